// Address families, as rtnetlink's headers have them.
import { AF_INET, AF_INET6 } from '../../kernel/constants.js'
import type { Family } from '../codec/ip.js'

export const AF = { unspec: 0, inet: AF_INET, bridge: 7, inet6: AF_INET6 } as const

export function familyNumber(family: Family): number {
  return family === 6 ? AF.inet6 : AF.inet
}

/** undefined for families such as RTNL_FAMILY_IPMR, whose routes and rules are of multicast routing. */
export function familyOfNumber(number: number): Family | undefined {
  return number === AF.inet6 ? 6 : number === AF.inet ? 4 : undefined
}
