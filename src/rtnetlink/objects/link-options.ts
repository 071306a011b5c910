// What a person may say of a link, and the attributes it becomes. One row an option.
import { invalidArgument } from '../../kernel/errors.js'
import { wrongKind } from '../../namespace/identity.js'
import { Namespace } from '../../namespace/namespace.js'
import { checkLinkName, checkRef, type IndexOf, type LinkRef, refs } from '../operation.js'
import type { LinkAttributes, PeerValue } from '../tables/link.js'
import { IFF } from './link.js'
import { checkKind, dataAttributes, type LinkData, type PortData, portAttributes } from './link-kinds.js'

/** Where a link is to be: a namespace, or that of a process. */
export type NetnsRef = Namespace | { pid: number }

/** Settings every link has. */
export type LinkSettings = {
  /** At most 15 bytes, no "/", ":" or whitespace; one "%d" asks the kernel to number it. */
  name?: string
  up?: boolean
  /** In bytes; which range is allowed, the kernel says (minMtu and maxMtu among the attributes). */
  mtu?: number
  mac?: string
  broadcast?: string
  alias?: string
  /** Any number; links of one group can be deleted by one request. */
  group?: number
  txQueueLength?: number
  /** The bridge, vrf, … to become a port of; null to leave it. */
  master?: LinkRef | null
  netns?: NetnsRef
  addrGenMode?: 'eui64' | 'none' | 'stable_secret' | 'random'
  arp?: boolean
  multicast?: boolean
  promiscuous?: boolean
  allMulticast?: boolean
  gsoMaxSize?: number
  gsoMaxSegments?: number
  groMaxSize?: number
  carrier?: boolean
}

/** Settings that only a new link can have. */
export type NewLinkSettings = Omit<LinkSettings, 'addrGenMode'> & {
  /** Transmit queues. A veth gets one for every possible CPU unless told; one is faster to make. */
  txQueues?: number
  rxQueues?: number
  /** The index it shall have; the kernel's choice, if not given. */
  index?: number
}

/** The far end of a veth: a link of its own, in any namespace. It is born there, which is 30 times faster than moving. */
export type PeerSettings = Omit<NewLinkSettings, 'master'>

export type LinkAdd = NewLinkSettings & {
  /** The link it sits on: of a vlan, macvlan, ipvlan, vxlan. */
  link?: LinkRef
  /** The id of the namespace that `link` is in, if it is not here. */
  linkNsid?: number
} & (
    | { kind: 'veth'; peer?: PeerSettings; data?: never }
    | { [K in keyof LinkData]: { kind: K; data?: LinkData[K]; peer?: never } }[keyof LinkData]
    | { kind: 'tap'; data?: LinkData['tun']; peer?: never }
    | { kind: 'dummy' | 'ifb' | 'wireguard'; data?: never; peer?: never }
    | { kind: string & {}; data?: Record<string, unknown>; peer?: PeerSettings }
  )

export type LinkSet = LinkSettings & {
  /** Settings of its kind, which must be given too. */
  kind?: string
  data?: LinkData[keyof LinkData] | Record<string, unknown>
  /** Settings as a port of a bridge. */
  port?: PortData
}

type Context = { indexOf: IndexOf }
/** Puts what an option becomes among the attributes: of hundreds of links at a time, so no object is made for each. */
type Row = (into: LinkAttributes, value: never, context: Context) => void

const same =
  <K extends keyof LinkAttributes>(name: K): Row =>
  (into, value) => {
    into[name] = value
  }

const as =
  <K extends keyof LinkAttributes, V>(name: K, convert: (value: V, context: Context) => LinkAttributes[K]) =>
  (into: LinkAttributes, value: V, context: Context): void => {
    into[name] = convert(value, context)
  }

const ROWS: Readonly<Record<string, Row>> = {
  name: as('IFLA_IFNAME', (value) => checkLinkName(value)),
  mtu: same('IFLA_MTU'),
  mac: same('IFLA_ADDRESS'),
  broadcast: same('IFLA_BROADCAST'),
  alias: as('IFLA_IFALIAS', checkAlias),
  group: same('IFLA_GROUP'),
  txQueueLength: same('IFLA_TXQLEN'),
  txQueues: same('IFLA_NUM_TX_QUEUES'),
  rxQueues: same('IFLA_NUM_RX_QUEUES'),
  gsoMaxSize: same('IFLA_GSO_MAX_SIZE'),
  gsoMaxSegments: same('IFLA_GSO_MAX_SEGS'),
  groMaxSize: same('IFLA_GRO_MAX_SIZE'),
  linkNsid: same('IFLA_LINK_NETNSID'),
  carrier: as('IFLA_CARRIER', (value: boolean) => (value ? 1 : 0)),
  addrGenMode: as('IFLA_AF_SPEC', (mode: LinkSettings['addrGenMode']) => ({
    AF_INET6: { IFLA_INET6_ADDR_GEN_MODE: mode },
  })),
  master: as('IFLA_MASTER', (ref: LinkRef | null, { indexOf }) => (ref === null ? 0 : indexOf(ref))),
  link: as('IFLA_LINK', (ref: LinkRef, { indexOf }) => indexOf(ref)),
  netns: putNetns,
}

/** Options that are bits of ifi_flags rather than attributes; `arp` and not IFF_NOARP is what people know. */
const FLAGS: Readonly<Record<string, { bit: number; inverted?: true }>> = {
  up: { bit: IFF.UP },
  arp: { bit: IFF.NOARP, inverted: true },
  multicast: { bit: IFF.MULTICAST },
  promiscuous: { bit: IFF.PROMISC },
  allMulticast: { bit: IFF.ALLMULTI },
}

const FLAG_ROWS = Object.entries(FLAGS)

/** Options that are dealt with elsewhere. */
const OTHERS = new Set(['kind', 'data', 'port', 'peer', 'index'])

/** @throws ERR_INVALID_ARG_VALUE for options there are not */
export function linkAttributes(options: object, context: Context, label: string): LinkAttributes {
  const attributes: LinkAttributes = {}
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || OTHERS.has(key) || Object.hasOwn(FLAGS, key)) continue
    const row = Object.hasOwn(ROWS, key) ? ROWS[key] : undefined
    if (row === undefined) throw invalidArgument(label, `has no option ${key}`, key)
    row(attributes, value as never, context)
  }
  return attributes
}

export function flagBits(options: object): { ifi_flags: number; ifi_change: number } {
  let flags = 0
  let change = 0
  for (const [key, { bit, inverted }] of FLAG_ROWS) {
    const value = (options as Record<string, unknown>)[key]
    if (value === undefined) continue
    if (typeof value !== 'boolean') throw invalidArgument(key, 'must be true or false', value)
    change |= bit
    if (value !== (inverted === true)) flags |= bit
  }
  return { ifi_flags: flags, ifi_change: change }
}

/** IFLA_LINKINFO of a new link, its peer's attributes in it. */
export function linkInfo(options: LinkAdd, context: Context): LinkAttributes {
  const kind = checkKind(options.kind)
  const info: NonNullable<LinkAttributes['IFLA_LINKINFO']> = { IFLA_INFO_KIND: kind }
  if (options.peer !== undefined) {
    if (kind !== 'veth')
      throw invalidArgument('peer', `must be left out: a link of kind ${kind} has none`, options.peer)
    info.IFLA_INFO_DATA = { VETH_INFO_PEER: peerValue(options.peer, context) }
  }
  const data = vxlanLink(kind, options, context)
  if (data !== undefined) info.IFLA_INFO_DATA = dataAttributes(kind, data)
  return { IFLA_LINKINFO: info }
}

/** IFLA_LINKINFO of a change: data of its kind, or what it is as a port. */
export function changedInfo(options: LinkSet): LinkAttributes {
  const info: NonNullable<LinkAttributes['IFLA_LINKINFO']> = {}
  if (options.kind !== undefined) info.IFLA_INFO_KIND = checkKind(options.kind)
  if (options.data !== undefined) {
    if (options.kind === undefined) throw invalidArgument('data', "needs the link's kind beside it", options.data)
    info.IFLA_INFO_DATA = dataAttributes(options.kind, options.data)
  }
  if (options.port !== undefined) {
    info.IFLA_INFO_SLAVE_KIND = 'bridge'
    info.IFLA_INFO_SLAVE_DATA = portAttributes('bridge', options.port)
  }
  return Object.keys(info).length === 0 ? {} : { IFLA_LINKINFO: info }
}

/** The links whose indexes an option object needs. */
export function neededRefs(options: { master?: LinkRef | null; link?: LinkRef }): LinkRef[] {
  return refs(
    options.master === undefined || options.master === null ? undefined : checkRef(options.master, 'master'),
    options.link === undefined ? undefined : checkRef(options.link, 'link'),
  )
}

/** The namespaces whose descriptors the attributes carry. */
export function heldNamespaces(...options: ({ netns?: NetnsRef } | undefined)[]): Namespace[] {
  return options.flatMap((each) => (each?.netns instanceof Namespace ? [each.netns] : []))
}

function peerValue(peer: PeerSettings, context: Context): PeerValue {
  const header = { ...flagBits(peer), ...(peer.index === undefined ? {} : { ifi_index: peer.index }) }
  return { header, ...linkAttributes(peer, context, 'peer') }
}

// The link a vxlan sits on is among its data, unlike that of every other kind.
function vxlanLink(kind: string, options: LinkAdd, { indexOf }: Context): object | undefined {
  if (kind !== 'vxlan' || options.link === undefined) return options.data
  return { ...options.data, link: indexOf(options.link) }
}

/** A namespace by its descriptor at the time of asking: closing it later does not make that another's. */
class Held {
  readonly fd: number
  constructor(ns: Namespace) {
    if (ns.kind !== 'net') throw wrongKind(String(ns), 'net', ns.kind)
    this.fd = ns.fd
  }
}

/** Options with their namespaces, and that of the peer, as they are now. */
export function asOfNow<O extends { netns?: NetnsRef; peer?: { netns?: NetnsRef } }>(options: O): O {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'must be an object', options)
  const held = (each: { netns?: NetnsRef }) =>
    each.netns instanceof Namespace ? { ...each, netns: new Held(each.netns) as unknown as NetnsRef } : each
  const { peer } = options
  return { ...held(options), ...(typeof peer === 'object' && peer !== null ? { peer: held(peer) } : {}) } as O
}

function putNetns(into: LinkAttributes, ns: NetnsRef): void {
  const pid = (ns as { pid?: unknown } | null)?.pid
  if (ns instanceof Held) into.IFLA_NET_NS_FD = ns.fd
  else if (Number.isInteger(pid) && (pid as number) > 0) into.IFLA_NET_NS_PID = pid as number
  else throw invalidArgument('netns', 'must be a Namespace, or { pid } of a process', ns)
}

function checkAlias(alias: unknown): string {
  if (typeof alias === 'string' && !alias.includes('\0') && Buffer.byteLength(alias) < 256) return alias
  throw invalidArgument('alias', 'must be a string of at most 255 bytes', alias)
}
