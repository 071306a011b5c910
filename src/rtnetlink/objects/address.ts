// Addresses: what a person reads and writes, and the requests. ip-address(8).
import { invalidArgument } from '../../kernel/errors.js'
import { type Family, parsePrefix } from '../codec/ip.js'
import { type Message, NLM_F } from '../codec/message.js'
import { bitsOf, flagsOf, nameOf, numberOf } from '../codec/names.js'
import type { Attributes } from '../codec/table.js'
import { checkRef, type LinkRef, type Operation, show } from '../operation.js'
import { request } from '../request.js'
import { type ADDRESS, IFA_F, INFINITY_LIFE_TIME } from '../tables/address.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import { RT_SCOPE } from '../tables/route.js'
import { AF } from './families.js'

export type Address = {
  /** The index of its link. */
  readonly index: number
  readonly family: Family
  readonly address: string
  readonly prefixLength: number
  /** The far end, of an address on a point-to-point link. */
  readonly peer: string | undefined
  readonly broadcast: string | undefined
  readonly label: string | undefined
  readonly scope: keyof typeof RT_SCOPE | number
  readonly flags: (keyof typeof IFA_F)[]
  /** Seconds; Infinity if it never ends. */
  readonly validLifetime: number
  readonly preferredLifetime: number
  readonly metric: number | undefined
  readonly protocol: number | undefined
  readonly attributes: Attributes<typeof ADDRESS.rows>
}

export type AddressAdd = {
  /** The link it is to be on. */
  dev: LinkRef
  /** '10.0.0.1/24'; without a length it is one host's. */
  address: string
  peer?: string
  broadcast?: string
  /** An old-style alias, 'eth0:web'; IPv4 only. */
  label?: string
  scope?: keyof typeof RT_SCOPE | number
  flags?: (keyof typeof IFA_F)[]
  /** Seconds; for ever, if not given. */
  validLifetime?: number
  preferredLifetime?: number
  /** Of the route to its network. */
  metric?: number
}

const shape = SHAPES.address

export function readAddress(message: Message, bytes: Buffer): Address | undefined {
  if (message.type !== RTM.NEWADDR && message.type !== RTM.DELADDR) return undefined
  const { header, attributes: a } = decodeAs(shape, bytes, message.start, message.end)
  const local = a.IFA_LOCAL ?? a.IFA_ADDRESS ?? a.IFA_ANYCAST ?? a.IFA_MULTICAST ?? ''
  const times = a.IFA_CACHEINFO
  return {
    index: header.ifa_index,
    family: header.ifa_family === AF.inet6 ? 6 : 4,
    address: local,
    prefixLength: header.ifa_prefixlen,
    peer: a.IFA_ADDRESS !== undefined && a.IFA_ADDRESS !== local ? a.IFA_ADDRESS : undefined,
    broadcast: a.IFA_BROADCAST,
    label: a.IFA_LABEL,
    scope: nameOf(RT_SCOPE, header.ifa_scope),
    flags: flagsOf(IFA_F, a.IFA_FLAGS ?? header.ifa_flags),
    validLifetime: seconds(times?.ifa_valid),
    preferredLifetime: seconds(times?.ifa_prefered),
    metric: a.IFA_RT_PRIORITY,
    protocol: a.IFA_PROTO,
    attributes: a,
  }
}

/** RTM_NEWADDR: replace changes one that is there. */
export function addAddress(options: AddressAdd, replace = false): Operation {
  const flags = NLM_F.CREATE | (replace ? NLM_F.REPLACE : NLM_F.EXCL)
  const { operation } = parts(options)
  const verb = replace ? 'set' : 'add'
  return { ...operation('NEWADDR', flags, verb), undo: replace ? undefined : deleteAddress(options) }
}

export function deleteAddress(options: AddressAdd): Operation {
  return parts(options).operation('DELADDR', 0, 'delete')
}

export function dumpAddresses(): Operation<Address> {
  const asked = 'list the addresses'
  const build = () => request({ type: 'GETADDR', flags: NLM_F.DUMP, shape, header: {}, asked })
  return { asked, needs: [], touches: [], build, read: readAddress }
}

function parts(options: AddressAdd) {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'must be an object', options)
  const { dev, address, peer, broadcast, label, metric, ...rest } = options
  checkRef(dev, 'dev')
  const prefix = parsePrefix(peer ?? address, peer === undefined ? 'address' : 'peer')
  const local = parsePrefix(address, 'address').address
  const flags = bitsOf(IFA_F, rest.flags ?? [], 'flags')
  const header = {
    ifa_family: prefix.family === 6 ? AF.inet6 : AF.inet,
    ifa_prefixlen: prefix.length,
    ifa_scope: rest.scope === undefined ? defaultScope(local) : numberOf(RT_SCOPE, rest.scope, 'scope'),
  }
  const attributes = {
    IFA_LOCAL: local,
    IFA_ADDRESS: prefix.address,
    IFA_BROADCAST: broadcast,
    IFA_LABEL: label,
    IFA_FLAGS: flags === 0 ? undefined : flags,
    IFA_RT_PRIORITY: metric,
    IFA_CACHEINFO: lifetimes(rest.validLifetime, rest.preferredLifetime),
  }
  return {
    operation(type: 'NEWADDR' | 'DELADDR', requestFlags: number, verb: string): Operation {
      const asked = `${verb} the address ${address} on the link ${show(dev)}`
      return {
        asked,
        needs: [dev],
        touches: [],
        build: (indexOf) =>
          request({
            type,
            flags: requestFlags,
            shape,
            header: { ...header, ifa_index: indexOf(dev) },
            attributes,
            asked,
            next: { EEXIST: 'the link has that address already', EADDRNOTAVAIL: 'the link does not have that address' },
          }),
      }
    },
  }
}

function defaultScope(address: string): number {
  return address.startsWith('127.') || address === '::1' ? RT_SCOPE.host : RT_SCOPE.global
}

function lifetimes(valid?: number, preferred?: number) {
  if (valid === undefined && preferred === undefined) return undefined
  const of = (value: number | undefined) => (value === undefined || value === Infinity ? INFINITY_LIFE_TIME : value)
  if (of(preferred ?? valid) > of(valid)) {
    throw invalidArgument('preferredLifetime', 'must not be longer than validLifetime', preferred)
  }
  return { ifa_valid: of(valid), ifa_prefered: of(preferred ?? valid), cstamp: 0, tstamp: 0 }
}

function seconds(value: number | undefined): number {
  return value === undefined || value === INFINITY_LIFE_TIME ? Number.POSITIVE_INFINITY : value
}
