// Next hops as objects of their own: struct nhmsg, and the attributes of RTM_NEWNEXTHOP and the like. <linux/nexthop.h>
import { bytes, flag, ip, u8, u16, u32 } from '../codec/scalars.js'
import { pad, struct, structs } from '../codec/struct.js'
import { table } from '../codec/table.js'

export const nhmsg = struct('nhmsg', { nh_family: u8, nh_scope: u8, nh_protocol: u8, resvd: pad(1), nh_flags: u32 })

/** weight is one less than the weight meant. */
export const nexthop_grp = struct('nexthop_grp', { id: u32, weight: u8, weight_high: u8, resvd2: pad(2) })

export const NEXTHOP = table('nexthop', {
  NHA_ID: [1, u32],
  NHA_GROUP: [2, structs(nexthop_grp)],
  NHA_GROUP_TYPE: [3, u16],
  NHA_BLACKHOLE: [4, flag],
  NHA_OIF: [5, u32],
  NHA_GATEWAY: [6, ip],
  NHA_ENCAP_TYPE: [7, u16],
  NHA_ENCAP: [8, bytes],
  NHA_GROUPS: [9, flag],
  NHA_MASTER: [10, u32],
  NHA_FDB: [11, flag],
  NHA_OP_FLAGS: [14, u32],
})
