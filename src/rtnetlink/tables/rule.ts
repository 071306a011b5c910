// Rules of policy routing: struct fib_rule_hdr, and the attributes of RTM_NEWRULE and the like. <linux/fib_rules.h>
import { be32, bytes, ip, str, u8, u16, u32 } from '../codec/scalars.js'
import { pad, struct } from '../codec/struct.js'
import { table } from '../codec/table.js'

export const fib_rule_hdr = struct('fib_rule_hdr', {
  family: u8,
  dst_len: u8,
  src_len: u8,
  tos: u8,
  table: u8,
  res: pad(2),
  action: u8,
  flags: u32,
})

/** FR_ACT_… */
export const FR_ACT = { to_table: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const
export const FIB_RULE_INVERT = 0x2

const range = (of: typeof u16 | typeof u32) =>
  struct(of === u16 ? 'fib_rule_port_range' : 'fib_rule_uid_range', { start: of, end: of })

export const RULE = table('rule', {
  FRA_DST: [1, ip],
  FRA_SRC: [2, ip],
  FRA_IIFNAME: [3, str],
  FRA_GOTO: [4, u32],
  FRA_PRIORITY: [6, u32],
  FRA_FWMARK: [10, u32],
  FRA_FLOW: [11, u32],
  FRA_TUN_ID: [12, bytes],
  FRA_SUPPRESS_IFGROUP: [13, u32],
  FRA_SUPPRESS_PREFIXLEN: [14, u32],
  FRA_TABLE: [15, u32],
  FRA_FWMASK: [16, u32],
  FRA_OIFNAME: [17, str],
  FRA_L3MDEV: [19, u8],
  FRA_UID_RANGE: [20, range(u32)],
  FRA_PROTOCOL: [21, u8],
  FRA_IP_PROTO: [22, u8],
  FRA_SPORT_RANGE: [23, range(u16)],
  FRA_DPORT_RANGE: [24, range(u16)],
  FRA_DSCP: [25, u8],
  FRA_FLOWLABEL: [26, be32],
  FRA_FLOWLABEL_MASK: [27, be32],
})
