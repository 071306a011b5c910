// Neighbours: struct ndmsg, and the attributes of RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH. <linux/neighbour.h>
import { be16, hwaddr, ip, s32, u8, u16, u32 } from '../codec/scalars.js'
import { pad, struct } from '../codec/struct.js'
import { table } from '../codec/table.js'

export const ndmsg = struct('ndmsg', {
  ndm_family: u8,
  ndm_pad: pad(3),
  ndm_ifindex: s32,
  ndm_state: u16,
  ndm_flags: u8,
  ndm_type: u8,
})

export const NUD = {
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const

export const NTF = {
  use: 0x01,
  self: 0x02,
  master: 0x04,
  proxy: 0x08,
  extern_learn: 0x10,
  offload: 0x20,
  sticky: 0x40,
  router: 0x80,
} as const

export const NEIGHBOUR = table('neighbour', {
  NDA_DST: [1, ip],
  NDA_LLADDR: [2, hwaddr],
  NDA_CACHEINFO: [3, struct('nda_cacheinfo', { ndm_confirmed: u32, ndm_used: u32, ndm_updated: u32, ndm_refcnt: u32 })],
  NDA_PROBES: [4, u32],
  NDA_VLAN: [5, u16],
  NDA_PORT: [6, be16],
  NDA_VNI: [7, u32],
  NDA_IFINDEX: [8, u32],
  NDA_MASTER: [9, u32],
  NDA_LINK_NETNSID: [10, s32],
  NDA_SRC_VNI: [11, u32],
  NDA_PROTOCOL: [12, u8],
  NDA_NH_ID: [13, u32],
  NDA_FLAGS_EXT: [15, u32],
  NDA_NDM_STATE_MASK: [16, u16],
  NDA_NDM_FLAGS_MASK: [17, u8],
})
