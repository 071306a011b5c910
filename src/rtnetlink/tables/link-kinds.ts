// What IFLA_INFO_DATA and IFLA_INFO_SLAVE_DATA hold, a table a kind of link. <linux/if_link.h>, <linux/veth.h>.
import { be16, bool, bytes, flag, hwaddr, ip, named, u8, u16, u32, u64 } from '../codec/scalars.js'
import { struct } from '../codec/struct.js'
import { nested, repeated, table } from '../codec/table.js'
import type { Type } from '../codec/type.js'

/** The kernel tells a __u8, and takes true only as a flag (NLA_FLAG). */
const flagOrBool: Type<boolean> = {
  ...bool,
  write: (writer, value, siblings, label) => (value === true ? undefined : bool.write(writer, value, siblings, label)),
}

/** ETH_P_8021Q and ETH_P_8021AD of <linux/if_ether.h>. */
const vlanProtocol = named(be16, { '802.1Q': 0x8100, '802.1ad': 0x88a8 })

const ifla_vlan_flags = struct('ifla_vlan_flags', { flags: u32, mask: u32 })
const ifla_vlan_qos_mapping = struct('ifla_vlan_qos_mapping', { from: u32, to: u32 })
const VLAN_QOS = table('ifla_vlan_qos', { IFLA_VLAN_QOS_MAPPING: [1, repeated(ifla_vlan_qos_mapping)] })

export const VLAN = table('vlan', {
  IFLA_VLAN_ID: [1, u16],
  IFLA_VLAN_FLAGS: [2, ifla_vlan_flags],
  IFLA_VLAN_EGRESS_QOS: [3, nested(VLAN_QOS)],
  IFLA_VLAN_INGRESS_QOS: [4, nested(VLAN_QOS)],
  IFLA_VLAN_PROTOCOL: [5, vlanProtocol],
})

export const BRIDGE = table('bridge', {
  IFLA_BR_FORWARD_DELAY: [1, u32],
  IFLA_BR_HELLO_TIME: [2, u32],
  IFLA_BR_MAX_AGE: [3, u32],
  IFLA_BR_AGEING_TIME: [4, u32],
  IFLA_BR_STP_STATE: [5, u32],
  IFLA_BR_PRIORITY: [6, u16],
  IFLA_BR_VLAN_FILTERING: [7, bool],
  IFLA_BR_VLAN_PROTOCOL: [8, vlanProtocol],
  IFLA_BR_GROUP_FWD_MASK: [9, u16],
  IFLA_BR_ROOT_ID: [10, bytes],
  IFLA_BR_BRIDGE_ID: [11, bytes],
  IFLA_BR_ROOT_PORT: [12, u16],
  IFLA_BR_ROOT_PATH_COST: [13, u32],
  IFLA_BR_TOPOLOGY_CHANGE: [14, u8],
  IFLA_BR_TOPOLOGY_CHANGE_DETECTED: [15, u8],
  IFLA_BR_HELLO_TIMER: [16, u64],
  IFLA_BR_TCN_TIMER: [17, u64],
  IFLA_BR_TOPOLOGY_CHANGE_TIMER: [18, u64],
  IFLA_BR_GC_TIMER: [19, u64],
  IFLA_BR_GROUP_ADDR: [20, hwaddr],
  IFLA_BR_FDB_FLUSH: [21, flag],
  IFLA_BR_MCAST_ROUTER: [22, u8],
  IFLA_BR_MCAST_SNOOPING: [23, bool],
  IFLA_BR_MCAST_QUERY_USE_IFADDR: [24, bool],
  IFLA_BR_MCAST_QUERIER: [25, bool],
  IFLA_BR_MCAST_HASH_ELASTICITY: [26, u32],
  IFLA_BR_MCAST_HASH_MAX: [27, u32],
  IFLA_BR_MCAST_LAST_MEMBER_CNT: [28, u32],
  IFLA_BR_MCAST_STARTUP_QUERY_CNT: [29, u32],
  IFLA_BR_MCAST_LAST_MEMBER_INTVL: [30, u64],
  IFLA_BR_MCAST_MEMBERSHIP_INTVL: [31, u64],
  IFLA_BR_MCAST_QUERIER_INTVL: [32, u64],
  IFLA_BR_MCAST_QUERY_INTVL: [33, u64],
  IFLA_BR_MCAST_QUERY_RESPONSE_INTVL: [34, u64],
  IFLA_BR_MCAST_STARTUP_QUERY_INTVL: [35, u64],
  IFLA_BR_NF_CALL_IPTABLES: [36, bool],
  IFLA_BR_NF_CALL_IP6TABLES: [37, bool],
  IFLA_BR_NF_CALL_ARPTABLES: [38, bool],
  IFLA_BR_VLAN_DEFAULT_PVID: [39, u16],
  IFLA_BR_VLAN_STATS_ENABLED: [41, bool],
  IFLA_BR_MCAST_STATS_ENABLED: [42, bool],
  IFLA_BR_MCAST_IGMP_VERSION: [43, u8],
  IFLA_BR_MCAST_MLD_VERSION: [44, u8],
  IFLA_BR_VLAN_STATS_PER_PORT: [45, bool],
  IFLA_BR_MULTI_BOOLOPT: [46, struct('br_boolopt_multi', { optval: u32, optmask: u32 })],
})

export const BRIDGE_PORT = table('bridge port', {
  IFLA_BRPORT_STATE: [1, named(u8, { disabled: 0, listening: 1, learning: 2, forwarding: 3, blocking: 4 })],
  IFLA_BRPORT_PRIORITY: [2, u16],
  IFLA_BRPORT_COST: [3, u32],
  IFLA_BRPORT_MODE: [4, bool],
  IFLA_BRPORT_GUARD: [5, bool],
  IFLA_BRPORT_PROTECT: [6, bool],
  IFLA_BRPORT_FAST_LEAVE: [7, bool],
  IFLA_BRPORT_LEARNING: [8, bool],
  IFLA_BRPORT_UNICAST_FLOOD: [9, bool],
  IFLA_BRPORT_PROXYARP: [10, bool],
  IFLA_BRPORT_LEARNING_SYNC: [11, bool],
  IFLA_BRPORT_PROXYARP_WIFI: [12, bool],
  IFLA_BRPORT_ROOT_ID: [13, bytes],
  IFLA_BRPORT_BRIDGE_ID: [14, bytes],
  IFLA_BRPORT_DESIGNATED_PORT: [15, u16],
  IFLA_BRPORT_DESIGNATED_COST: [16, u16],
  IFLA_BRPORT_ID: [17, u16],
  IFLA_BRPORT_NO: [18, u16],
  IFLA_BRPORT_TOPOLOGY_CHANGE_ACK: [19, u8],
  IFLA_BRPORT_CONFIG_PENDING: [20, u8],
  IFLA_BRPORT_MESSAGE_AGE_TIMER: [21, u64],
  IFLA_BRPORT_FORWARD_DELAY_TIMER: [22, u64],
  IFLA_BRPORT_HOLD_TIMER: [23, u64],
  IFLA_BRPORT_FLUSH: [24, flag],
  IFLA_BRPORT_MULTICAST_ROUTER: [25, u8],
  IFLA_BRPORT_MCAST_FLOOD: [27, bool],
  IFLA_BRPORT_MCAST_TO_UCAST: [28, bool],
  IFLA_BRPORT_VLAN_TUNNEL: [29, bool],
  IFLA_BRPORT_BCAST_FLOOD: [30, bool],
  IFLA_BRPORT_GROUP_FWD_MASK: [31, u16],
  IFLA_BRPORT_NEIGH_SUPPRESS: [32, bool],
  IFLA_BRPORT_ISOLATED: [33, bool],
  IFLA_BRPORT_BACKUP_PORT: [34, u32],
  IFLA_BRPORT_MRP_RING_OPEN: [35, bool],
  IFLA_BRPORT_MRP_IN_OPEN: [36, bool],
  IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT: [37, u32],
  IFLA_BRPORT_MCAST_EHT_HOSTS_CNT: [38, u32],
  IFLA_BRPORT_LOCKED: [39, bool],
  IFLA_BRPORT_MAB: [40, bool],
  IFLA_BRPORT_MCAST_N_GROUPS: [41, u32],
  IFLA_BRPORT_MCAST_MAX_GROUPS: [42, u32],
  IFLA_BRPORT_NEIGH_VLAN_SUPPRESS: [43, bool],
  IFLA_BRPORT_BACKUP_NHID: [44, u32],
})

const macvlanMode = named(u32, { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 })
const MACVLAN_MACADDRS = table('macvlan addresses', { IFLA_MACVLAN_MACADDR: [4, repeated(hwaddr)] })

export const MACVLAN = table('macvlan', {
  IFLA_MACVLAN_MODE: [1, macvlanMode],
  IFLA_MACVLAN_FLAGS: [2, u16],
  IFLA_MACVLAN_MACADDR_MODE: [3, named(u32, { add: 0, del: 1, flush: 2, set: 3 })],
  IFLA_MACVLAN_MACADDR: [4, hwaddr],
  IFLA_MACVLAN_MACADDR_DATA: [5, nested(MACVLAN_MACADDRS)],
  IFLA_MACVLAN_MACADDR_COUNT: [6, u32],
  IFLA_MACVLAN_BC_QUEUE_LEN: [7, u32],
  IFLA_MACVLAN_BC_QUEUE_LEN_USED: [8, u32],
  IFLA_MACVLAN_BC_CUTOFF: [9, u32],
})

export const IPVLAN = table('ipvlan', {
  IFLA_IPVLAN_MODE: [1, named(u16, { l2: 0, l3: 1, l3s: 2 })],
  IFLA_IPVLAN_FLAGS: [2, u16],
})

export const VXLAN = table('vxlan', {
  IFLA_VXLAN_ID: [1, u32],
  IFLA_VXLAN_GROUP: [2, ip],
  IFLA_VXLAN_LINK: [3, u32],
  IFLA_VXLAN_LOCAL: [4, ip],
  IFLA_VXLAN_TTL: [5, u8],
  IFLA_VXLAN_TOS: [6, u8],
  IFLA_VXLAN_LEARNING: [7, bool],
  IFLA_VXLAN_AGEING: [8, u32],
  IFLA_VXLAN_LIMIT: [9, u32],
  IFLA_VXLAN_PORT_RANGE: [10, struct('ifla_vxlan_port_range', { low: be16, high: be16 })],
  IFLA_VXLAN_PROXY: [11, bool],
  IFLA_VXLAN_RSC: [12, bool],
  IFLA_VXLAN_L2MISS: [13, bool],
  IFLA_VXLAN_L3MISS: [14, bool],
  IFLA_VXLAN_PORT: [15, be16],
  IFLA_VXLAN_GROUP6: [16, ip],
  IFLA_VXLAN_LOCAL6: [17, ip],
  IFLA_VXLAN_UDP_CSUM: [18, bool],
  IFLA_VXLAN_UDP_ZERO_CSUM6_TX: [19, bool],
  IFLA_VXLAN_UDP_ZERO_CSUM6_RX: [20, bool],
  IFLA_VXLAN_REMCSUM_TX: [21, bool],
  IFLA_VXLAN_REMCSUM_RX: [22, bool],
  IFLA_VXLAN_GBP: [23, flag],
  IFLA_VXLAN_REMCSUM_NOPARTIAL: [24, flag],
  IFLA_VXLAN_COLLECT_METADATA: [25, bool],
  IFLA_VXLAN_LABEL: [26, u32],
  IFLA_VXLAN_GPE: [27, flag],
  IFLA_VXLAN_TTL_INHERIT: [28, flagOrBool],
  IFLA_VXLAN_DF: [29, named(u8, { unset: 0, set: 1, inherit: 2 })],
  IFLA_VXLAN_VNIFILTER: [30, bool],
  IFLA_VXLAN_LOCALBYPASS: [31, bool],
})

export const VRF = table('vrf', { IFLA_VRF_TABLE: [1, u32] })
export const VRF_PORT = table('vrf port', { IFLA_VRF_PORT_TABLE: [1, u32] })

export const TUN = table('tun', {
  IFLA_TUN_OWNER: [1, u32],
  IFLA_TUN_GROUP: [2, u32],
  IFLA_TUN_TYPE: [3, named(u8, { tun: 1, tap: 2 })],
  IFLA_TUN_PI: [4, bool],
  IFLA_TUN_VNET_HDR: [5, bool],
  IFLA_TUN_PERSIST: [6, bool],
  IFLA_TUN_MULTI_QUEUE: [7, bool],
  IFLA_TUN_NUM_QUEUES: [8, u32],
  IFLA_TUN_NUM_DISABLED_QUEUES: [9, u32],
})

/** BRIDGE_FLAGS_… and BRIDGE_VLAN_INFO_… of <linux/if_bridge.h> */
export const BRIDGE_FLAGS = { MASTER: 1, SELF: 2 } as const
export const BRIDGE_VLAN_INFO = { PVID: 1 << 1, UNTAGGED: 1 << 2, RANGE_BEGIN: 1 << 3, RANGE_END: 1 << 4 } as const

/** AF_BRIDGE messages put these, rather than families, into IFLA_AF_SPEC. <linux/if_bridge.h> */
export const BRIDGE_AF_SPEC = table('bridge af_spec', {
  IFLA_BRIDGE_FLAGS: [0, u16],
  IFLA_BRIDGE_MODE: [1, u16],
  IFLA_BRIDGE_VLAN_INFO: [2, repeated(struct('bridge_vlan_info', { flags: u16, vid: u16 }))],
})
