// What a person may tell a queueing discipline, in bytes, bits a second and milliseconds, and what the kernel makes of it.
import { readFileSync } from 'node:fs'
import { invalidArgument } from '../../kernel/errors.js'
import type { Attributes } from '../codec/table.js'
import type { QDISC } from '../tables/qdisc.js'

export type QdiscOptions =
  /** A bad network: delays in milliseconds; loss and the others from 0 to 1; rate in bits a second. */
  | {
      kind: 'netem'
      delay?: number
      jitter?: number
      loss?: number
      duplicate?: number
      reorder?: number
      corrupt?: number
      rate?: number
      /** Packets it holds; 1000, if not given. */
      limit?: number
    }
  /** A rate in bits a second, a burst in bytes, and how much may wait: `limit` bytes, or for `latency` milliseconds. */
  | { kind: 'tbf'; rate: number; burst: number; limit?: number; latency?: number }
  /** default: the class of what none claims. A class has a rate and a ceiling, in bits a second, and a priority. */
  | { kind: 'htb'; default?: number; rate?: number; ceil?: number; burst?: number; priority?: number; quantum?: number }
  /** maxRate in bits a second, for each flow. */
  | { kind: 'fq'; limit?: number; flowLimit?: number; quantum?: number; maxRate?: number; pacing?: boolean }
  /** First in, first out: `limit` packets, or for bfifo bytes. */
  | { kind: 'pfifo' | 'bfifo'; limit?: number }
  /** Any other that needs telling nothing. */
  | { kind: 'ingress' | 'clsact' | 'fq_codel' | 'pfifo_fast' | 'noqueue' }

type Values = Attributes<typeof QDISC.rows>
type Of<K> = Extract<QdiscOptions, { kind: K }>

/** TC_LINKLAYER_ETHERNET: rates count what Ethernet carries, and the kernel needs no rate table from us. */
const ETHERNET = 1
const U32 = 2 ** 32

export function writeOptions(options: QdiscOptions, isClass: boolean): Values {
  const kind: unknown = options?.kind
  if (typeof kind !== 'string' || kind === '')
    throw invalidArgument('kind', "must be one such as 'netem' or 'tbf'", kind)
  const write = Object.hasOwn(WRITERS, kind) ? WRITERS[kind] : undefined
  const payload = write?.(options as never, isClass)
  return { TCA_KIND: kind, ...(payload === undefined ? {} : { TCA_OPTIONS: payload }) }
}

type Writer = (options: never, isClass: boolean) => Record<string, unknown> | undefined

const WRITERS: Readonly<Record<string, Writer>> = {
  netem({ delay = 0, jitter = 0, loss = 0, duplicate = 0, reorder, corrupt, rate, limit = 1000 }: Of<'netem'>) {
    return {
      header: { limit, loss: share(loss, 'loss'), duplicate: share(duplicate, 'duplicate'), gap: reorder ? 1 : 0 },
      TCA_NETEM_LATENCY64: Math.round(positive(delay, 'delay') * 1e6),
      TCA_NETEM_JITTER64: Math.round(positive(jitter, 'jitter') * 1e6),
      TCA_NETEM_REORDER: reorder === undefined ? undefined : { probability: share(reorder, 'reorder'), correlation: 0 },
      TCA_NETEM_CORRUPT: corrupt === undefined ? undefined : { probability: share(corrupt, 'corrupt'), correlation: 0 },
      ...(rate === undefined ? {} : netemRate(bytesASecond(rate, 'rate'))),
    }
  },
  tbf({ rate, burst, limit, latency }: Of<'tbf'>) {
    const bytes = bytesASecond(rate, 'rate')
    positive(burst, 'burst')
    if ((limit === undefined) === (latency === undefined)) {
      throw invalidArgument('limit', 'or latency must be given, and not both', limit)
    }
    const most = limit ?? Math.floor((bytes * (latency as number)) / 1000 + burst)
    return {
      TCA_TBF_PARMS: { rate_rate: clamp(bytes), rate_linklayer: ETHERNET, limit: most, buffer: ticks(burst, bytes) },
      TCA_TBF_BURST: burst,
      ...(bytes >= U32 ? { TCA_TBF_RATE64: bytes } : {}),
    }
  },
  htb(options: Of<'htb'>, isClass) {
    return isClass
      ? htbClass(options)
      : { TCA_HTB_INIT: { version: 3, rate2quantum: 10, defcls: options.default ?? 0 } }
  },
  fq({ limit, flowLimit, quantum, maxRate, pacing }: Of<'fq'>) {
    return {
      TCA_FQ_PLIMIT: limit,
      TCA_FQ_FLOW_PLIMIT: flowLimit,
      TCA_FQ_QUANTUM: quantum,
      TCA_FQ_FLOW_MAX_RATE: maxRate === undefined ? undefined : clamp(bytesASecond(maxRate, 'maxRate')),
      TCA_FQ_RATE_ENABLE: pacing === undefined ? undefined : Number(pacing),
    }
  },
  pfifo: fifo,
  bfifo: fifo,
}

function fifo({ limit }: { limit?: number }) {
  return limit === undefined ? undefined : { limit }
}

function netemRate(bytes: number) {
  return {
    TCA_NETEM_RATE: { rate: clamp(bytes), packet_overhead: 0, cell_size: 0, cell_overhead: 0 },
    ...(bytes >= U32 ? { TCA_NETEM_RATE64: bytes } : {}),
  }
}

function htbClass({ rate, ceil, burst, priority = 0, quantum = 0 }: Of<'htb'>) {
  if (rate === undefined) throw invalidArgument('rate', 'must be given for a class, in bits a second', rate)
  const bytes = bytesASecond(rate, 'rate')
  const most = ceil === undefined ? bytes : bytesASecond(ceil, 'ceil')
  const bucket = (each: number) => burst ?? Math.floor(each / hertz()) + 1600
  return {
    TCA_HTB_PARMS: {
      rate_rate: clamp(bytes),
      rate_linklayer: ETHERNET,
      ceil_rate: clamp(most),
      ceil_linklayer: ETHERNET,
      buffer: ticks(bucket(bytes), bytes),
      cbuffer: ticks(bucket(most), most),
      quantum,
      prio: priority,
    },
    ...(bytes >= U32 ? { TCA_HTB_RATE64: bytes } : {}),
    ...(most >= U32 ? { TCA_HTB_CEIL64: most } : {}),
  }
}

/** How long a burst takes, in ticks of the packet scheduler. */
function ticks(bytes: number, rate: number): number {
  return Math.min(U32 - 1, Math.round(((bytes * 1e6) / rate) * ticksPerMicrosecond()))
}

/** /proc/net/psched: nanoseconds a tick has, as hexadecimal fractions; and the clock's resolution. psched_show() */
function psched(): number[] {
  known ??= readFileSync('/proc/net/psched', 'latin1')
    .trim()
    .split(/\s+/)
    .map((each) => Number.parseInt(each, 16))
  return known
}
let known: number[] | undefined

function ticksPerMicrosecond(): number {
  const [microseconds = 1, ticksIn = 1, clock = 1e6] = psched()
  return (microseconds / ticksIn) * (clock / 1e6)
}

function hertz(): number {
  const [, , resolution = 1e6, clock = 1e9] = psched()
  return resolution === 1e6 ? clock : 1000
}

function share(value: number, label: string): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return Math.round(value * (U32 - 1))
  throw invalidArgument(label, 'must be a number from 0 to 1', value)
}

function positive(value: number, label: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw invalidArgument(label, 'must be a number from 0', value)
}

function bytesASecond(bits: number, label: string): number {
  if (positive(bits, label) >= 8) return Math.floor(bits / 8)
  throw invalidArgument(label, 'must be at least 8 bits a second', bits)
}

/** Rates beyond 32 bits go in an attribute of their own, and the old field says "more". */
function clamp(bytes: number): number {
  return Math.min(bytes, U32 - 1)
}
