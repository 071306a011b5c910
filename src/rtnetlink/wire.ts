// wire: a veth pair born in both of its namespaces, up and with addresses. One send without addresses, two with.
import { randomBytes } from 'node:crypto'
import type { Namespace } from '../namespace/namespace.js'
import type { AddressAdd } from './objects/address.js'
import { Route } from './route.js'

export type WireOptions = {
  /** The names of both ends; made up, if not given. */
  names?: [string, string]
  /** The addresses of both ends: one, or several, or none (undefined). */
  addresses?: [string | string[] | undefined, string | string[] | undefined]
  mtu?: number
  /** Queues of both ends, each way: 1, if not given. More let more CPUs send at once, and take longer to make. */
  queues?: number
  /** The group of both ends, so that many wires can be deleted at once. */
  group?: number
  macs?: [string | undefined, string | undefined]
  /** What else each address is told: ['nodad'] makes IPv6 addresses usable at once. */
  flags?: AddressAdd['flags']
}

export type WireEnd = { readonly name: string; readonly index: number }
export type Wire = { readonly ends: [WireEnd, WireEnd] }

/**
 * Joins two namespaces. If anything fails, nothing of it stays.
 * @param a a net Namespace, or a Route in one that is used rather than opened
 * @param b the other; may be the same
 * @throws EEXIST where a name is taken; ERR_INVALID_ARG_VALUE
 * Source: veth(4).
 */
export async function wire(a: Namespace | Route, b: Namespace, options: WireOptions = {}): Promise<Wire> {
  await using opened = a instanceof Route ? undefined : Route.open(a)
  const here = opened ?? (a as Route)
  const [name, peerName] = options.names ?? [madeUp(), madeUp()]
  const link = await here.link.add({
    name,
    kind: 'veth',
    up: true,
    ...both(options, 0),
    peer: { name: peerName, netns: b, up: true, ...both(options, 1) },
  })
  const ends: [WireEnd, WireEnd] = [
    { name, index: link.index },
    { name: peerName, index: link.link as number },
  ]
  try {
    await Promise.all([addAddresses(here, ends[0], options, 0), addFarAddresses(b, ends[1], options)])
  } catch (error) {
    await here.link.delete(link.index)
    throw error
  }
  return { ends }
}

function both({ mtu, queues = 1, group, macs }: WireOptions, end: 0 | 1) {
  const mac = macs?.[end]
  return {
    txQueues: queues,
    rxQueues: queues,
    ...(mtu === undefined ? {} : { mtu }),
    ...(group === undefined ? {} : { group }),
    ...(mac === undefined ? {} : { mac }),
  }
}

async function addFarAddresses(ns: Namespace, end: WireEnd, options: WireOptions): Promise<void> {
  if (options.addresses?.[1] === undefined) return
  await using far = Route.open(ns)
  await addAddresses(far, end, options, 1)
}

async function addAddresses(route: Route, { index }: WireEnd, options: WireOptions, end: 0 | 1): Promise<void> {
  const given = options.addresses?.[end] ?? []
  const { flags } = options
  const addresses = typeof given === 'string' ? [given] : given
  const add = (address: string) => route.address.add({ dev: index, address, ...(flags === undefined ? {} : { flags }) })
  await Promise.all(addresses.map(add))
}

function madeUp(): string {
  return `w${randomBytes(6).toString('hex')}`
}
