// Links: struct ifinfomsg, and the attributes of RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK. <linux/if_link.h>
import { bool, bytes, hwaddr, named, s32, str, u8, u16, u32, u64, uint, vector } from '../codec/scalars.js'
import { pad, struct } from '../codec/struct.js'
import { type Attributes, dependent, headed, nested, repeated, type Table, table } from '../codec/table.js'
import type { Type } from '../codec/type.js'
import { BRIDGE, BRIDGE_AF_SPEC, BRIDGE_PORT, IPVLAN, MACVLAN, TUN, VLAN, VRF, VRF_PORT, VXLAN } from './link-kinds.js'

export const ifinfomsg = struct('ifinfomsg', {
  ifi_family: u8,
  __ifi_pad: pad(1),
  ifi_type: u16,
  ifi_index: s32,
  ifi_flags: u32,
  ifi_change: u32,
})

/** RFC 2863, by <linux/if.h>'s IF_OPER_ order. */
export const operState = named(u8, {
  UNKNOWN: 0,
  NOTPRESENT: 1,
  DOWN: 2,
  LOWERLAYERDOWN: 3,
  TESTING: 4,
  DORMANT: 5,
  UP: 6,
})

export const rtnl_link_stats64 = struct(
  'rtnl_link_stats64',
  {
    rx_packets: u64,
    tx_packets: u64,
    rx_bytes: u64,
    tx_bytes: u64,
    rx_errors: u64,
    tx_errors: u64,
    rx_dropped: u64,
    tx_dropped: u64,
    multicast: u64,
    collisions: u64,
    rx_length_errors: u64,
    rx_over_errors: u64,
    rx_crc_errors: u64,
    rx_frame_errors: u64,
    rx_fifo_errors: u64,
    rx_missed_errors: u64,
    tx_aborted_errors: u64,
    tx_carrier_errors: u64,
    tx_fifo_errors: u64,
    tx_heartbeat_errors: u64,
    tx_window_errors: u64,
    rx_compressed: u64,
    tx_compressed: u64,
    rx_nohandler: u64,
    rx_otherhost_dropped: u64,
  },
  8 * 20,
)

/** The peer of a veth: a header and attributes of LINK. (Typed loosely: a table's type cannot contain itself.) */
export type PeerValue = {
  header: { ifi_index?: number; ifi_flags?: number; ifi_change?: number }
  [name: string]: unknown
}
const wholeLink = (): Table<Record<string, unknown>> => LINK as Table<Record<string, unknown>>
const peer = headed(ifinfomsg, wholeLink) as unknown as Type<PeerValue>

/** enum of <linux/veth.h> */
export const VETH = table('veth', { VETH_INFO_PEER: [1, peer] })

/** The tables of IFLA_INFO_DATA. A kind that is not here keeps its data as bytes. */
export const LINK_DATA = {
  veth: VETH,
  bridge: BRIDGE,
  vlan: VLAN,
  vxlan: VXLAN,
  macvlan: MACVLAN,
  macvtap: MACVLAN,
  ipvlan: IPVLAN,
  ipvtap: IPVLAN,
  vrf: VRF,
  tun: TUN,
} as const

export const LINK_PORT_DATA = { bridge: BRIDGE_PORT, vrf: VRF_PORT } as const

/** What a kind's table decodes to; bytes where the kind has none. */
type KindData = Record<string, unknown> | Uint8Array

const infoRows = {
  IFLA_INFO_KIND: [1, str],
  IFLA_INFO_DATA: [2, dependent('IFLA_INFO_KIND', nests(LINK_DATA), bytes) as Type<KindData>],
  IFLA_INFO_XSTATS: [3, bytes],
  IFLA_INFO_SLAVE_KIND: [4, str],
  IFLA_INFO_SLAVE_DATA: [5, dependent('IFLA_INFO_SLAVE_KIND', nests(LINK_PORT_DATA), bytes) as Type<KindData>],
} as const

const LINKINFO = table('linkinfo', infoRows)

export const addrGenMode = named(u8, { eui64: 0, none: 1, stable_secret: 2, random: 3 })

/** IFLA_AF_SPEC: an attribute a family, numbered by AF_INET and AF_INET6. */
const AF_SPEC = table('af_spec', {
  AF_INET: [2, nested(table('inet', { IFLA_INET_CONF: [1, vector(u32)] }))],
  AF_INET6: [
    10,
    nested(
      table('inet6', {
        IFLA_INET6_FLAGS: [1, u32],
        IFLA_INET6_CONF: [2, vector(s32)],
        IFLA_INET6_STATS: [3, bytes],
        IFLA_INET6_CACHEINFO: [5, bytes],
        IFLA_INET6_ICMP6STATS: [6, bytes],
        IFLA_INET6_TOKEN: [7, bytes],
        IFLA_INET6_ADDR_GEN_MODE: [8, addrGenMode],
        IFLA_INET6_RA_MTU: [9, u32],
      }),
    ),
  ],
})

const PROP_LIST = table('prop_list', { IFLA_ALT_IFNAME: [53, repeated(str)] })

const rows = {
  IFLA_ADDRESS: [1, hwaddr],
  IFLA_BROADCAST: [2, hwaddr],
  IFLA_IFNAME: [3, str],
  IFLA_MTU: [4, u32],
  IFLA_LINK: [5, s32],
  IFLA_QDISC: [6, str],
  IFLA_STATS: [7, bytes],
  IFLA_MASTER: [10, u32],
  IFLA_TXQLEN: [13, u32],
  IFLA_MAP: [14, bytes],
  IFLA_OPERSTATE: [16, operState],
  IFLA_LINKMODE: [17, named(u8, { DEFAULT: 0, DORMANT: 1, TESTING: 2 })],
  IFLA_LINKINFO: [18, nested(LINKINFO)],
  IFLA_NET_NS_PID: [19, u32],
  IFLA_IFALIAS: [20, str],
  IFLA_NUM_VF: [21, u32],
  IFLA_STATS64: [23, rtnl_link_stats64],
  IFLA_AF_SPEC: [26, nested(AF_SPEC)],
  IFLA_GROUP: [27, u32],
  IFLA_NET_NS_FD: [28, u32],
  IFLA_EXT_MASK: [29, u32],
  IFLA_PROMISCUITY: [30, u32],
  IFLA_NUM_TX_QUEUES: [31, u32],
  IFLA_NUM_RX_QUEUES: [32, u32],
  IFLA_CARRIER: [33, u8],
  IFLA_PHYS_PORT_ID: [34, bytes],
  IFLA_CARRIER_CHANGES: [35, u32],
  IFLA_PHYS_SWITCH_ID: [36, bytes],
  IFLA_LINK_NETNSID: [37, s32],
  IFLA_PHYS_PORT_NAME: [38, str],
  IFLA_PROTO_DOWN: [39, bool],
  IFLA_GSO_MAX_SEGS: [40, u32],
  IFLA_GSO_MAX_SIZE: [41, u32],
  IFLA_XDP: [43, bytes],
  IFLA_EVENT: [44, u32],
  IFLA_NEW_NETNSID: [45, s32],
  IFLA_TARGET_NETNSID: [46, s32],
  IFLA_CARRIER_UP_COUNT: [47, u32],
  IFLA_CARRIER_DOWN_COUNT: [48, u32],
  IFLA_NEW_IFINDEX: [49, s32],
  IFLA_MIN_MTU: [50, u32],
  IFLA_MAX_MTU: [51, u32],
  IFLA_PROP_LIST: [52, nested(PROP_LIST)],
  IFLA_ALT_IFNAME: [53, str],
  IFLA_PERM_ADDRESS: [54, hwaddr],
  IFLA_PARENT_DEV_NAME: [56, str],
  IFLA_PARENT_DEV_BUS_NAME: [57, str],
  IFLA_GRO_MAX_SIZE: [58, u32],
  IFLA_TSO_MAX_SIZE: [59, u32],
  IFLA_TSO_MAX_SEGS: [60, u32],
  IFLA_ALLMULTI: [61, u32],
  IFLA_DEVLINK_PORT: [62, bytes],
  IFLA_GSO_IPV4_MAX_SIZE: [63, u32],
  IFLA_GRO_IPV4_MAX_SIZE: [64, u32],
  IFLA_DPLL_PIN: [65, bytes],
  IFLA_MAX_PACING_OFFLOAD_HORIZON: [66, uint],
  IFLA_NETNS_IMMUTABLE: [67, bool],
  IFLA_HEADROOM: [68, u16],
  IFLA_TAILROOM: [69, u16],
} as const

/** enum of <linux/if_link.h>, IFLA_… */
export const LINK: Table<Attributes<typeof rows>> = table('link', rows)
export type LinkAttributes = Attributes<typeof rows>

const { IFLA_INFO_KIND, IFLA_INFO_SLAVE_KIND } = infoRows
const KINDS = table('linkinfo', { IFLA_INFO_KIND, IFLA_INFO_SLAVE_KIND }, 'passed over')

/** What a list of links is mostly asked for: a third of the attributes. */
export const LINK_BRIEF = table(
  'link',
  {
    IFLA_ADDRESS: rows.IFLA_ADDRESS,
    IFLA_BROADCAST: rows.IFLA_BROADCAST,
    IFLA_IFNAME: rows.IFLA_IFNAME,
    IFLA_MTU: rows.IFLA_MTU,
    IFLA_LINK: rows.IFLA_LINK,
    IFLA_QDISC: rows.IFLA_QDISC,
    IFLA_MASTER: rows.IFLA_MASTER,
    IFLA_TXQLEN: rows.IFLA_TXQLEN,
    IFLA_OPERSTATE: rows.IFLA_OPERSTATE,
    IFLA_LINKINFO: [rows.IFLA_LINKINFO[0], nested(KINDS)],
    IFLA_IFALIAS: rows.IFLA_IFALIAS,
    IFLA_GROUP: rows.IFLA_GROUP,
    IFLA_NUM_TX_QUEUES: rows.IFLA_NUM_TX_QUEUES,
    IFLA_NUM_RX_QUEUES: rows.IFLA_NUM_RX_QUEUES,
    IFLA_LINK_NETNSID: rows.IFLA_LINK_NETNSID,
    IFLA_PROP_LIST: rows.IFLA_PROP_LIST,
  },
  'passed over',
)

/** RTM_NEWLINK of family AF_BRIDGE: a bridge's view of its ports and their VLANs. */
export const BRIDGE_LINK = table('bridge link', {
  IFLA_ADDRESS: [1, hwaddr],
  IFLA_IFNAME: [3, str],
  IFLA_MTU: [4, u32],
  IFLA_LINK: [5, s32],
  IFLA_MASTER: [10, u32],
  IFLA_PROTINFO: [12, nested(BRIDGE_PORT)],
  IFLA_OPERSTATE: [16, operState],
  IFLA_AF_SPEC: [26, nested(BRIDGE_AF_SPEC)],
  IFLA_EXT_MASK: [29, u32],
})

/** IFLA_EXT_MASK of <linux/rtnetlink.h>. */
export const RTEXT_FILTER = { VF: 1, BRVLAN: 2, BRVLAN_COMPRESSED: 4, SKIP_STATS: 8 } as const

// biome-ignore lint/suspicious/noExplicitAny: tables of every kind
function nests(tables: Readonly<Record<string, Table<any>>>): Readonly<Record<string, Type<unknown>>> {
  return Object.fromEntries(Object.entries(tables).map(([kind, of]) => [kind, nested(of)]))
}
