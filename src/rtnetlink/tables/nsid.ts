// Ids by which one net namespace knows another: struct rtgenmsg, and the attributes of RTM_NEWNSID. <linux/net_namespace.h>
import { s32, u8, u32 } from '../codec/scalars.js'
import { struct } from '../codec/struct.js'
import { table } from '../codec/table.js'

export const rtgenmsg = struct('rtgenmsg', { rtgen_family: u8 })

/** NETNSA_NSID_NOT_ASSIGNED */
export const NSID_NOT_ASSIGNED = -1

export const NSID = table('nsid', {
  NETNSA_NSID: [1, s32],
  NETNSA_PID: [2, u32],
  NETNSA_FD: [3, u32],
  NETNSA_TARGET_NSID: [4, s32],
  NETNSA_CURRENT_NSID: [5, s32],
})
