// A link as a person reads it. Everything the kernel said is in `attributes`, under its C names.
import type { Namespace } from '../../namespace/namespace.js'
import type { Message } from '../codec/message.js'
import { flagsOf, nameOf } from '../codec/names.js'
import type { ValueOf } from '../codec/type.js'
import type { ifinfomsg, LinkAttributes, rtnl_link_stats64 } from '../tables/link.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
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

export type Link = {
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
  readonly addrGenMode: string | number | undefined
  /** What its kind adds (IFLA_INFO_DATA), under friendly names: data.vlanFiltering of a bridge. */
  readonly data: Record<string, unknown> | undefined
  /** The kind of its master, and what it is as a port of it (IFLA_INFO_SLAVE_DATA). */
  readonly portKind: string | undefined
  readonly port: Record<string, unknown> | undefined
  /** Counters. Beyond 2^53 the nearest a number can say. */
  readonly stats: LinkStats | undefined
  /** The family and all attributes as the kernel sent them, unknown ones as bytes. */
  readonly header: ValueOf<typeof ifinfomsg>
  readonly attributes: LinkAttributes
}

/** Reads RTM_NEWLINK and RTM_DELLINK; undefined for other messages. */
export function readLink(message: Message, bytes: Buffer): Link | undefined {
  if (message.type !== RTM.NEWLINK && message.type !== RTM.DELLINK) return undefined
  const { header, attributes } = decodeAs(SHAPES.link, bytes, message.start, message.end)
  return linkOf(header, attributes)
}

export function linkOf(header: ValueOf<typeof ifinfomsg>, a: LinkAttributes): Link {
  const info = a.IFLA_LINKINFO
  const kind = info?.IFLA_INFO_KIND
  const portKind = info?.IFLA_INFO_SLAVE_KIND
  return {
    index: header.ifi_index,
    name: a.IFLA_IFNAME ?? '',
    kind,
    type: nameOf(ARPHRD, header.ifi_type),
    flags: flagsOf(IFF, header.ifi_flags),
    up: (header.ifi_flags & IFF.UP) !== 0,
    operState: a.IFLA_OPERSTATE ?? 'UNKNOWN',
    mtu: a.IFLA_MTU ?? 0,
    mac: a.IFLA_ADDRESS,
    broadcast: a.IFLA_BROADCAST,
    master: a.IFLA_MASTER,
    link: a.IFLA_LINK,
    linkNsid: a.IFLA_LINK_NETNSID,
    netns: undefined,
    alias: a.IFLA_IFALIAS,
    altNames: a.IFLA_PROP_LIST?.IFLA_ALT_IFNAME ?? [],
    group: a.IFLA_GROUP ?? 0,
    qdisc: a.IFLA_QDISC,
    txQueueLength: a.IFLA_TXQLEN ?? 0,
    txQueues: a.IFLA_NUM_TX_QUEUES ?? 1,
    rxQueues: a.IFLA_NUM_RX_QUEUES ?? 1,
    addrGenMode: a.IFLA_AF_SPEC?.AF_INET6?.IFLA_INET6_ADDR_GEN_MODE,
    data: kind === undefined ? undefined : friendlyData(kind, info?.IFLA_INFO_DATA),
    portKind,
    port: portKind === undefined ? undefined : friendlyPort(portKind, info?.IFLA_INFO_SLAVE_DATA),
    stats: a.IFLA_STATS64,
    header,
    attributes: a,
  }
}
