// Queueing disciplines: struct tcmsg, and the attributes of RTM_NEWQDISC, RTM_NEWTCLASS. <linux/pkt_sched.h>
import { bytes, octets, s32, str, u8, u16, u32, u64 } from '../codec/scalars.js'
import { pad, struct } from '../codec/struct.js'
import { dependent, headed, nested, table } from '../codec/table.js'
import type { Type } from '../codec/type.js'

export const tcmsg = struct('tcmsg', {
  tcm_family: u8,
  tcm__pad1: pad(3),
  tcm_ifindex: s32,
  tcm_handle: u32,
  tcm_parent: u32,
  tcm_info: u32,
})

/** Flattened struct tc_ratespec: twelve bytes. rate is in bytes a second. */
const rateSpec = <P extends string>(prefix: P) =>
  ({
    [`${prefix}_cell_log`]: u8,
    [`${prefix}_linklayer`]: u8,
    [`${prefix}_overhead`]: u16,
    [`${prefix}_cell_align`]: u16,
    [`${prefix}_mpu`]: u16,
    [`${prefix}_rate`]: u32,
  }) as Record<`${P}_${'cell_log' | 'linklayer' | 'overhead' | 'cell_align' | 'mpu' | 'rate'}`, Type<number>>

export const tc_tbf_qopt = struct('tc_tbf_qopt', {
  ...rateSpec('rate'),
  ...rateSpec('peakrate'),
  limit: u32,
  buffer: u32,
  mtu: u32,
})

const TBF = table('tbf', {
  TCA_TBF_PARMS: [1, tc_tbf_qopt],
  TCA_TBF_RATE64: [4, u64],
  TCA_TBF_PRATE64: [5, u64],
  TCA_TBF_BURST: [6, u32],
  TCA_TBF_PBURST: [7, u32],
})

const tc_htb_opt = struct('tc_htb_opt', {
  ...rateSpec('rate'),
  ...rateSpec('ceil'),
  buffer: u32,
  cbuffer: u32,
  quantum: u32,
  level: u32,
  prio: u32,
})

const HTB = table('htb', {
  TCA_HTB_PARMS: [1, tc_htb_opt],
  TCA_HTB_INIT: [
    2,
    struct('tc_htb_glob', { version: u32, rate2quantum: u32, defcls: u32, debug: u32, direct_pkts: u32 }),
  ],
  TCA_HTB_DIRECT_QLEN: [5, u32],
  TCA_HTB_RATE64: [6, u64],
  TCA_HTB_CEIL64: [7, u64],
})

const FQ = table('fq', {
  TCA_FQ_PLIMIT: [1, u32],
  TCA_FQ_FLOW_PLIMIT: [2, u32],
  TCA_FQ_QUANTUM: [3, u32],
  TCA_FQ_INITIAL_QUANTUM: [4, u32],
  TCA_FQ_RATE_ENABLE: [5, u32],
  TCA_FQ_FLOW_DEFAULT_RATE: [6, u32],
  TCA_FQ_FLOW_MAX_RATE: [7, u32],
  TCA_FQ_BUCKETS_LOG: [8, u32],
  TCA_FQ_FLOW_REFILL_DELAY: [9, u32],
  TCA_FQ_ORPHAN_MASK: [10, u32],
  TCA_FQ_LOW_RATE_THRESHOLD: [11, u32],
  TCA_FQ_CE_THRESHOLD: [12, u32],
  TCA_FQ_TIMER_SLACK: [13, u32],
  TCA_FQ_HORIZON: [14, u32],
  TCA_FQ_HORIZON_DROP: [15, u8],
})

/** latency and jitter in ticks of the packet scheduler; loss and duplicate as parts of 2^32. */
export const tc_netem_qopt = struct('tc_netem_qopt', {
  latency: u32,
  limit: u32,
  loss: u32,
  gap: u32,
  duplicate: u32,
  jitter: u32,
})

const NETEM = table('netem', {
  TCA_NETEM_CORR: [1, struct('tc_netem_corr', { delay_corr: u32, loss_corr: u32, dup_corr: u32 })],
  TCA_NETEM_REORDER: [3, struct('tc_netem_reorder', { probability: u32, correlation: u32 })],
  TCA_NETEM_CORRUPT: [4, struct('tc_netem_corrupt', { probability: u32, correlation: u32 })],
  TCA_NETEM_RATE: [6, struct('tc_netem_rate', { rate: u32, packet_overhead: s32, cell_size: u32, cell_overhead: s32 })],
  TCA_NETEM_ECN: [7, u32],
  TCA_NETEM_RATE64: [8, u64],
  TCA_NETEM_LATENCY64: [10, u64],
  TCA_NETEM_JITTER64: [11, u64],
})

const FQ_CODEL = table('fq_codel', {
  TCA_FQ_CODEL_TARGET: [1, u32],
  TCA_FQ_CODEL_LIMIT: [2, u32],
  TCA_FQ_CODEL_INTERVAL: [3, u32],
  TCA_FQ_CODEL_ECN: [4, u32],
  TCA_FQ_CODEL_FLOWS: [5, u32],
  TCA_FQ_CODEL_QUANTUM: [6, u32],
  TCA_FQ_CODEL_CE_THRESHOLD: [7, u32],
  TCA_FQ_CODEL_DROP_BATCH_SIZE: [8, u32],
  TCA_FQ_CODEL_MEMORY_LIMIT: [9, u32],
})

const tc_fifo_qopt = struct('tc_fifo_qopt', { limit: u32 })
/** TC_PRIO_MAX + 1 */
const PRIORITIES = 16
const tc_prio_qopt = struct('tc_prio_qopt', { bands: s32, priomap: octets(PRIORITIES) })

const OPTIONS: Readonly<Record<string, Type<unknown>>> = {
  netem: headed(tc_netem_qopt, NETEM),
  tbf: nested(TBF),
  htb: nested(HTB),
  fq: nested(FQ),
  fq_codel: nested(FQ_CODEL),
  pfifo: tc_fifo_qopt,
  bfifo: tc_fifo_qopt,
  pfifo_fast: tc_prio_qopt,
}

const STATS2 = table('stats2', {
  TCA_STATS_BASIC: [1, struct('gnet_stats_basic', { bytes: u64, packets: u32 }, 12)],
  TCA_STATS_RATE_EST: [2, bytes],
  TCA_STATS_QUEUE: [
    3,
    struct('gnet_stats_queue', { qlen: u32, backlog: u32, drops: u32, requeues: u32, overlimits: u32 }),
  ],
})

export const QDISC = table('qdisc', {
  TCA_KIND: [1, str],
  TCA_OPTIONS: [2, dependent('TCA_KIND', OPTIONS, bytes) as Type<Record<string, unknown> | Uint8Array>],
  TCA_STATS: [3, bytes],
  TCA_STATS2: [7, nested(STATS2)],
  TCA_DUMP_INVISIBLE: [10, bytes],
  TCA_HW_OFFLOAD: [12, u8],
  TCA_INGRESS_BLOCK: [13, u32],
  TCA_EGRESS_BLOCK: [14, u32],
})
