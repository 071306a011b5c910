// Addresses: struct ifaddrmsg, and the attributes of RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR. <linux/if_addr.h>
import { ip, s32, str, u8, u32 } from '../codec/scalars.js'
import { struct } from '../codec/struct.js'
import { table } from '../codec/table.js'

export const ifaddrmsg = struct('ifaddrmsg', {
  ifa_family: u8,
  ifa_prefixlen: u8,
  ifa_flags: u8,
  ifa_scope: u8,
  ifa_index: u32,
})

/** Times in seconds, INFINITY_LIFE_TIME for ever; stamps in hundredths of a second since boot. */
export const ifa_cacheinfo = struct('ifa_cacheinfo', {
  ifa_prefered: u32,
  ifa_valid: u32,
  cstamp: u32,
  tstamp: u32,
})

export const INFINITY_LIFE_TIME = 0xffffffff

export const ADDRESS = table('address', {
  IFA_ADDRESS: [1, ip],
  IFA_LOCAL: [2, ip],
  IFA_LABEL: [3, str],
  IFA_BROADCAST: [4, ip],
  IFA_ANYCAST: [5, ip],
  IFA_CACHEINFO: [6, ifa_cacheinfo],
  IFA_MULTICAST: [7, ip],
  IFA_FLAGS: [8, u32],
  IFA_RT_PRIORITY: [9, u32],
  IFA_TARGET_NETNSID: [10, s32],
  IFA_PROTO: [11, u8],
})

export const IFA_F = {
  secondary: 0x01,
  nodad: 0x02,
  optimistic: 0x04,
  dadfailed: 0x08,
  homeaddress: 0x10,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  mngtmpaddr: 0x100,
  noprefixroute: 0x200,
  autojoin: 0x400,
  stable_privacy: 0x800,
} as const
