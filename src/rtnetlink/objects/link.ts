// A link as a person reads it. Everything the kernel said is in `attributes`, under its C names.
import type { Namespace } from '../../namespace/namespace.js'
import type { Message } from '../codec/message.js'
import { flagsOf, nameOf } from '../codec/names.js'
import type { ValueOf } from '../codec/type.js'
import { type ifinfomsg, LINK_BRIEF, type LinkAttributes, type rtnl_link_stats64 } from '../tables/link.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import { AF } from './families.js'
import { friendlyData, friendlyPort } from './link-kinds.js'

/** ARPHRD_… of <linux/if_arp.h> */
export const ARPHRD = {
  ether: 1,
  ieee802: 6,
  infiniband: 32,
  ppp: 512,
  tunnel: 768,
  tunnel6: 769,
  loopback: 772,
  sit: 776,
  gre: 778,
  gre6: 823,
  netlink: 824,
  none: 65534,
} as const

/** IFF_… of <linux/if.h>, by the names `ip` prints. */
export const IFF = {
  UP: 1 << 0,
  BROADCAST: 1 << 1,
  DEBUG: 1 << 2,
  LOOPBACK: 1 << 3,
  POINTOPOINT: 1 << 4,
  NOTRAILERS: 1 << 5,
  RUNNING: 1 << 6,
  NOARP: 1 << 7,
  PROMISC: 1 << 8,
  ALLMULTI: 1 << 9,
  MASTER: 1 << 10,
  SLAVE: 1 << 11,
  MULTICAST: 1 << 12,
  PORTSEL: 1 << 13,
  AUTOMEDIA: 1 << 14,
  DYNAMIC: 1 << 15,
  LOWER_UP: 1 << 16,
  DORMANT: 1 << 17,
  ECHO: 1 << 18,
} as const

export type LinkStats = ValueOf<typeof rtnl_link_stats64>

/**
 * A link as it was when it was asked for. What most people look at is read at once; `attributes`, `data`, `port`, `stats`
 * and `addrGenMode` when they are first looked at, because that is most of the work of a list.
 */
export class Link {
  readonly index: number
  readonly name: string
  /** 'veth', 'bridge', …; undefined for loopback and hardware. */
  readonly kind: string | undefined
  /** What kind of hardware it is or looks like: 'ether', 'loopback', 'none'; a number where ARPHRD has no name here. */
  readonly type: keyof typeof ARPHRD | number
  readonly flags: (keyof typeof IFF)[]
  /** Whether it is set up; whether it carries is `operState` and the flag LOWER_UP. */
  readonly up: boolean
  readonly operState: string | number
  readonly mtu: number
  readonly mac: string | undefined
  readonly broadcast: string | undefined
  /** The index of the bridge, vrf, … it is a port of. */
  readonly master: number | undefined
  /** The index of what it sits on, or of a veth's peer: in the namespace `linkNsid` says, here if undefined. */
  readonly link: number | undefined
  /** The id by which this namespace knows that of `link`; -1 where it has no id for it. */
  readonly linkNsid: number | undefined
  /** The namespace of `link`, where links({ resolve }) found it. */
  readonly netns: Namespace | undefined
  readonly alias: string | undefined
  readonly altNames: string[]
  readonly group: number
  readonly qdisc: string | undefined
  readonly txQueueLength: number
  readonly txQueues: number
  readonly rxQueues: number
  /** The kind of its master. */
  readonly portKind: string | undefined
  readonly header: ValueOf<typeof ifinfomsg>
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number
  #attributes: LinkAttributes | undefined

  /** @internal */
  constructor(bytes: Buffer, start: number, end: number, netns?: Namespace) {
    const { header, attributes: a } = decodeAs(BRIEF, bytes, start, end)
    const info = a.IFLA_LINKINFO
    this.index = header.ifi_index
    this.name = a.IFLA_IFNAME ?? ''
    this.kind = info?.IFLA_INFO_KIND
    this.type = nameOf(ARPHRD, header.ifi_type)
    this.flags = flagsOf(IFF, header.ifi_flags)
    this.up = (header.ifi_flags & IFF.UP) !== 0
    this.operState = a.IFLA_OPERSTATE ?? 'UNKNOWN'
    this.mtu = a.IFLA_MTU ?? 0
    this.mac = a.IFLA_ADDRESS
    this.broadcast = a.IFLA_BROADCAST
    this.master = a.IFLA_MASTER
    this.link = a.IFLA_LINK
    this.linkNsid = a.IFLA_LINK_NETNSID
    this.netns = netns
    this.alias = a.IFLA_IFALIAS
    this.altNames = a.IFLA_PROP_LIST?.IFLA_ALT_IFNAME ?? []
    this.group = a.IFLA_GROUP ?? 0
    this.qdisc = a.IFLA_QDISC
    this.txQueueLength = a.IFLA_TXQLEN ?? 0
    this.txQueues = a.IFLA_NUM_TX_QUEUES ?? 1
    this.rxQueues = a.IFLA_NUM_RX_QUEUES ?? 1
    this.portKind = info?.IFLA_INFO_SLAVE_KIND
    this.header = header
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** All attributes as the kernel sent them, under its names; unknown ones as bytes. @throws ERR_NSFD_MALFORMED */
  get attributes(): LinkAttributes {
    this.#attributes ??= decodeAs(SHAPES.link, this.#bytes, this.#start, this.#end).attributes
    return this.#attributes
  }

  /** What its kind adds (IFLA_INFO_DATA), under friendly names: data.vlanFiltering of a bridge. */
  get data(): Record<string, unknown> | undefined {
    return this.kind === undefined ? undefined : friendlyData(this.kind, this.attributes.IFLA_LINKINFO?.IFLA_INFO_DATA)
  }

  /** What it is as a port of its master (IFLA_INFO_SLAVE_DATA). */
  get port(): Record<string, unknown> | undefined {
    const data = this.attributes.IFLA_LINKINFO?.IFLA_INFO_SLAVE_DATA
    return this.portKind === undefined ? undefined : friendlyPort(this.portKind, data)
  }

  /** Counters. Beyond 2^53 the nearest a number can say. */
  get stats(): LinkStats | undefined {
    return this.attributes.IFLA_STATS64
  }

  /** How IPv6 link-local addresses are made. */
  get addrGenMode(): string | number | undefined {
    return this.attributes.IFLA_AF_SPEC?.AF_INET6?.IFLA_INET6_ADDR_GEN_MODE
  }

  /** Everything, for JSON. */
  toJSON(): object {
    const { data, port, stats, addrGenMode } = this
    return { ...this, netns: this.netns && String(this.netns), addrGenMode, data, port, stats }
  }

  /** @internal The same link, with the namespace of its `link`. */
  in(netns: Namespace | undefined): Link {
    return new Link(this.#bytes, this.#start, this.#end, netns)
  }
}

/** What a Link reads at once. */
const BRIEF = { ...SHAPES.link, attributes: LINK_BRIEF }

/**
 * Reads RTM_NEWLINK and RTM_DELLINK; undefined for other messages, and for those of family AF_BRIDGE: there RTM_DELLINK says
 * that a port has left its bridge, not that a link is gone.
 */
export function readLink(message: Message, bytes: Buffer): Link | undefined {
  if (message.type !== RTM.NEWLINK && message.type !== RTM.DELLINK) return undefined
  if (message.start < message.end && bytes[message.start] === AF.bridge) return undefined
  return new Link(bytes, message.start, message.end)
}
