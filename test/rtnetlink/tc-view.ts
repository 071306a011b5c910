// Queueing disciplines and classes written as tc(8) writes them: disciplines as its JSON, classes, for which it has none, as
// its text. What tc computes from ticks of the packet scheduler is computed here the same way.
import { readFileSync } from 'node:fs'
import type { Qdisc } from 'nsfd/rtnetlink'
import { inside, type Json, type Names } from './ip-view.js'

type Values = Readonly<Record<string, number>>
type Options = Readonly<Record<string, Values>>

export function qdiscView(qdisc: Qdisc, names: Names): Json {
  const options = OPTIONS[qdisc.kind]
  return {
    kind: qdisc.kind,
    handle: qdisc.handle,
    dev: names.get(qdisc.index),
    root: qdisc.parent === 'root' ? true : undefined,
    parent: qdisc.parent === 'root' ? undefined : qdisc.parent.replace('ingress', 'ffff:fff1'),
    refcnt: qdisc.header.tcm_info === 1 ? undefined : qdisc.header.tcm_info,
    options: options === undefined ? {} : options((qdisc.options ?? {}) as Options),
    ...qdisc.stats,
  }
}

const OPTIONS: Readonly<Record<string, (options: Options) => Json>> = {
  pfifo: ({ limit }) => ({ limit }),
  bfifo: ({ limit }) => ({ limit }),
  pfifo_fast: ({ bands, priomap }) => ({ bands, priomap, multiqueue: false }), // tc looks for an attribute nobody sends
  tbf: ({ TCA_TBF_PARMS: p = {}, TCA_TBF_RATE64, TCA_TBF_PRATE64 }) => {
    const rate = Number(TCA_TBF_RATE64 ?? p.rate_rate)
    const peak = Number(TCA_TBF_PRATE64 ?? p.peakrate_rate)
    const wait = (at: number, ticks: number) => (1e6 * given(p.limit)) / at - microseconds(ticks)
    const latencies = [wait(rate, given(p.buffer)), ...(peak > 0 ? [wait(peak, given(p.mtu))] : [])]
    return {
      rate,
      burst: `${size(sent(rate, given(p.buffer)))}/${1 << given(p.rate_cell_log)}`,
      mpu: p.rate_mpu,
      ...(peak > 0 ? { mtu: `${size(sent(peak, given(p.mtu)))}/${1 << given(p.peakrate_cell_log)}` } : {}),
      lat: Math.trunc(Math.max(...latencies)),
      linklayer: LINK_LAYERS[given(p.rate_linklayer) & 0xf],
    }
  },
  htb: ({ TCA_HTB_INIT: init = {}, TCA_HTB_DIRECT_QLEN }) => ({
    r2q: init.rate2quantum,
    default: `0x${init.defcls?.toString(16)}`,
    direct_packets_stat: init.direct_pkts,
    ver: `${given(init.version) >> 16}.${given(init.version) & 0xffff}`,
    direct_qlen: TCA_HTB_DIRECT_QLEN,
  }),
  netem: ({ header = {}, ...o }) => ({
    limit: header.limit,
    delay: { delay: Number(o.TCA_NETEM_LATENCY64) / 1e9, jitter: Number(o.TCA_NETEM_JITTER64) / 1e9, ...correlation() },
    'loss-random': { loss: part(header.loss), ...correlation(o.TCA_NETEM_CORR?.loss_corr) },
    duplicate: { duplicate: part(header.duplicate), ...correlation(o.TCA_NETEM_CORR?.dup_corr) },
    reorder: { reorder: part(o.TCA_NETEM_REORDER?.probability), ...correlation(o.TCA_NETEM_REORDER?.correlation) },
    corrupt: { corrupt: part(o.TCA_NETEM_CORRUPT?.probability), ...correlation(o.TCA_NETEM_CORRUPT?.correlation) },
    rate: {
      rate: o.TCA_NETEM_RATE64 ?? o.TCA_NETEM_RATE?.rate,
      packetoverhead: o.TCA_NETEM_RATE?.packet_overhead,
      cellsize: o.TCA_NETEM_RATE?.cell_size,
      celloverhead: o.TCA_NETEM_RATE?.cell_overhead,
    },
    ecn: Number(o.TCA_NETEM_ECN ?? 0) === 1,
    gap: header.gap,
  }),
  fq: (o) => ({
    limit: o.TCA_FQ_PLIMIT,
    flow_limit: o.TCA_FQ_FLOW_PLIMIT,
    buckets: 2 ** Number(o.TCA_FQ_BUCKETS_LOG),
    orphan_mask: o.TCA_FQ_ORPHAN_MASK,
    quantum: o.TCA_FQ_QUANTUM,
    initial_quantum: o.TCA_FQ_INITIAL_QUANTUM,
    maxrate: o.TCA_FQ_FLOW_MAX_RATE,
    low_rate_threshold: o.TCA_FQ_LOW_RATE_THRESHOLD,
    refill_delay: o.TCA_FQ_FLOW_REFILL_DELAY,
    timer_slack: o.TCA_FQ_TIMER_SLACK,
    horizon: o.TCA_FQ_HORIZON,
    horizon_drop: Number(o.TCA_FQ_HORIZON_DROP) === 1 ? null : undefined,
  }),
  fq_codel: (o) => ({
    limit: o.TCA_FQ_CODEL_LIMIT,
    flows: o.TCA_FQ_CODEL_FLOWS,
    quantum: o.TCA_FQ_CODEL_QUANTUM,
    target: o.TCA_FQ_CODEL_TARGET,
    interval: o.TCA_FQ_CODEL_INTERVAL,
    memory_limit: o.TCA_FQ_CODEL_MEMORY_LIMIT,
    ecn: Number(o.TCA_FQ_CODEL_ECN) === 1,
    drop_batch: o.TCA_FQ_CODEL_DROP_BATCH_SIZE,
  }),
}

/** A share of all packets, of 2^32; tc prints six digits. */
const part = (value = 0) => Number((value / 0xffffffff).toPrecision(6))
const correlation = (value?: number) => ({ correlation: part(value) })

/**
 * Counters that only fq and fq_codel have (TCA_STATS_APP): nsfd does not know them, and hands them on as bytes.
 */
const OF_STATS_APP = new Set([
  ...['flows', 'inactive', 'throttled', 'gc', 'highprio', 'maxpacket', 'drop_overlimit'],
  ...['new_flow_count', 'ecn_mark', 'new_flows_len', 'old_flows_len'],
])

export function theirQdiscs(list: Json[]): Json[] {
  return list.map((each) => Object.fromEntries(Object.entries(each).filter(([key]) => !OF_STATS_APP.has(key))))
}

const LINK_LAYERS = ['unaware', 'ethernet', 'atm']

const given = (value: number | undefined) => value as number

/** tc prints no JSON of classes: a line of words, and what has gone through. Its link it does not print. */
export function classView(each: Qdisc): Json {
  const leaf = each.header.tcm_info === 0 ? [] : [`leaf ${(each.header.tcm_info >>> 16).toString(16)}:`]
  return {
    handle: each.handle,
    text: [
      `class ${each.kind} ${each.handle} ${each.parent === 'root' ? 'root' : `parent ${each.parent}`}`,
      ...leaf,
      ...htbClass((each.options ?? {}) as Options),
      ...traffic(each.stats),
    ].join(' '),
  }
}

function traffic(stats: Qdisc['stats']): string[] {
  if (stats === undefined) return []
  const { bytes, packets, drops, overlimits, requeues, backlog, qlen } = stats
  return [
    `Sent ${bytes} bytes ${packets} pkt (dropped ${drops}, overlimits ${overlimits} requeues ${requeues})`,
    `backlog ${backlog}b ${qlen}p requeues ${requeues}`,
  ]
}

function htbClass({ TCA_HTB_PARMS: p, TCA_HTB_RATE64, TCA_HTB_CEIL64 }: Options): string[] {
  if (p === undefined) return []
  const rate = Number(TCA_HTB_RATE64 ?? p.rate_rate)
  const ceil = Number(TCA_HTB_CEIL64 ?? p.ceil_rate)
  const burst = (name: string, at: number, ticks: number, log: number, mpu: number) =>
    `${name} ${size(sent(at, ticks))}/${1 << log} mpu ${size(mpu)}`
  return [
    ...(p.level === 0 ? [`prio ${p.prio} quantum ${p.quantum}`] : []), // of leaves only
    `rate ${speed(rate)} ceil ${speed(ceil)} linklayer ${LINK_LAYERS[given(p.rate_linklayer) & 0xf]}`,
    burst('burst', rate, given(p.buffer), given(p.rate_cell_log), given(p.rate_mpu)),
    burst('cburst', ceil, given(p.cbuffer), given(p.ceil_cell_log), given(p.ceil_mpu)),
    `level ${p.level}`,
  ]
}

/** Lines of htb's own counters, in an attribute (TCA_XSTATS) that nsfd hands on as bytes. */
const OF_XSTATS = /^ (lended|tokens):/

export function theirClasses(fd: number, name: string): Json[] {
  const text = inside(fd, 'tc', '-d', '-s', 'class', 'show', 'dev', name)
  return text
    .split('\n\n')
    .filter((each) => each.trim() !== '')
    .map((each) => {
      const lines = each.split('\n').filter((line) => !OF_XSTATS.test(line))
      const words = lines.join(' ').trim().split(/\s+/)
      return { handle: words[2], text: words.join(' ') }
    })
}

function speed(bytes: number): string {
  const units = ['', 'K', 'M', 'G', 'T']
  let [rate, unit] = [bytes * 8, 0]
  while (unit < units.length - 1 && rate >= 1000 && (rate % 1000 === 0 || rate >= 1e6)) {
    rate = Math.floor(rate / 1000)
    unit++
  }
  return `${rate}${units[unit]}bit`
}

function size(bytes: number): string {
  const near = (unit: number, by: number) =>
    bytes >= unit && Math.abs(unit * Math.round(bytes / unit) - bytes) < by ? Math.round(bytes / unit) : undefined
  const mega = near(1024 * 1024, 1024)
  if (mega !== undefined) return `${mega}Mb`
  const kilo = near(1024, 16)
  return kilo === undefined ? `${bytes}b` : `${kilo}Kb`
}

/** What is sent in a time of so many ticks. */
function sent(rate: number, ticks: number): number {
  return Math.floor((rate * microseconds(ticks)) / 1e6)
}

function microseconds(ticks: number): number {
  const [perMicrosecond = 1, perTick = 1, clock = 1e6] = readFileSync('/proc/net/psched', 'latin1')
    .trim()
    .split(/\s+/)
    .map((each) => Number.parseInt(each, 16))
  return Math.floor(ticks / ((perMicrosecond / perTick) * (clock / 1e6)))
}
