// DNS messages: queries are encoded by dns-packet, loaded when the first one is; replies are read record by record.
import { randomInt } from 'node:crypto'
import { createRequire } from 'node:module'
import type { QueryCode } from './errors.js'
import { Malformed, Reader } from './reader.js'
import { type QueryType, type RecordData, type RecordType, readData, typeName, typeNumber } from './records.js'

export type Query = {
  readonly id: number
  readonly name: string
  readonly type: QueryType
  readonly bytes: Buffer
  /** Where its question ends, which began behind the header. */
  readonly questionEnd: number
}

export type ResourceRecord = {
  readonly name: string
  readonly type: RecordType
  /** Seconds. */
  readonly ttl: number
  readonly data: RecordData
}

export type Reply = {
  readonly truncated: boolean
  /** What the server's rcode means; undefined for NOERROR. */
  readonly failure: QueryCode | undefined
  readonly answers: readonly ResourceRecord[]
  /** Seconds that "there is none" may be believed, by the SOA record of RFC 2308; 0 without one. */
  readonly negativeTtl: number
}

/** What the servers said about a name: records of the asked type, or why there are none; usable for some seconds. */
export type Answer =
  | { readonly records: readonly ResourceRecord[]; readonly canonicalName: string; readonly seconds: number }
  | { readonly failure: QueryCode; readonly cause?: unknown; readonly seconds: number }

/** RFC 6891: what fits an unfragmented datagram everywhere. */
export const EDNS_PAYLOAD = 1232
const FLAGS = { QR: 0x8000, OPCODE: 0x7800, TC: 0x0200, RD: 0x0100, RCODE: 0x000f }
const CLASS_IN = 1
const TYPE_SOA = 6
const HEADER_BYTES = 12
/** Root, type, payload size, extended rcode and version and flags, no data. */
const OPT_BYTES = 11
/** RFC 2181 8: a TTL with the highest bit set is 0. */
const MAX_TTL = 0x7fffffff

/** RFC 1035 4.1.1. */
const RCODES: Record<number, QueryCode> = {
  1: 'EFORMERR',
  2: 'ESERVFAIL',
  3: 'ENOTFOUND',
  4: 'ENOTIMP',
  5: 'EREFUSED',
}

let dnsPacket: typeof import('dns-packet') | undefined

/** A random id that is not among those taken. */
export function freshId(taken?: ReadonlyMap<number, unknown>): number {
  let id = randomInt(0x10000)
  while (taken?.has(id)) id = randomInt(0x10000)
  return id
}

/** A recursive query; name is ASCII, '' the root. */
export function encodeQuery(id: number, name: string, type: QueryType, edns0: boolean): Query {
  dnsPacket ??= createRequire(import.meta.url)('dns-packet') as typeof import('dns-packet')
  const opt = { type: 'OPT' as const, name: '.' as const, udpPayloadSize: EDNS_PAYLOAD, extendedRcode: 0 }
  const bytes = dnsPacket.encode({
    type: 'query',
    id,
    flags: FLAGS.RD,
    // Its types lack ANY, its encoder does not.
    questions: [{ type: type as RecordType, class: 'IN', name: name === '' ? '.' : name }],
    additionals: edns0 ? [{ ...opt, ednsVersion: 0, flags: 0, flag_do: false, options: [] }] : [],
  })
  return { id, name, type, bytes, questionEnd: bytes.length - (edns0 ? OPT_BYTES : 0) }
}

/**
 * The reply to a query, or undefined where the bytes answer something else: whoever guesses must guess id, question and
 * our port, in time.
 * @throws Malformed where they answer this query and break the format.
 */
export function readReply(bytes: Buffer, query: Query): Reply | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const reader = new Reader(bytes)
  const [id, flags] = [reader.u16(), reader.u16()]
  const [questions, answers, authorities] = [reader.u16(), reader.u16(), reader.u16()]
  reader.u16()
  if (id !== query.id || (flags & FLAGS.QR) === 0 || (flags & FLAGS.OPCODE) !== 0) return undefined
  const rcode = flags & FLAGS.RCODE
  const failure = rcode === 0 ? undefined : (RCODES[rcode] ?? 'ESERVFAIL')
  // A server that could not read the query cannot repeat it.
  if (questions === 0 && failure === 'EFORMERR') return { truncated: false, failure, answers: [], negativeTtl: 0 }
  if (questions !== 1 || !isQuestion(reader, query)) return undefined
  const truncated = (flags & FLAGS.TC) !== 0
  // Its last record may be cut in the middle, and all of it is asked for again anyway.
  if (truncated) return { truncated, failure, answers: [], negativeTtl: 0 }
  return {
    truncated,
    failure,
    answers: readRecords(reader, answers),
    negativeTtl: readNegativeTtl(reader, authorities),
  }
}

function isQuestion(reader: Reader, query: Query): boolean {
  // Nearly every server repeats it byte by byte.
  if (reader.takeName(query.bytes, HEADER_BYTES, query.questionEnd, query.name)) return true
  try {
    const [name, type, klass] = [reader.name(), reader.u16(), reader.u16()]
    return sameName(name, query.name) && type === typeNumber(query.type) && klass === CLASS_IN
  } catch (error) {
    if (error instanceof Malformed) return false
    throw error
  }
}

export function sameName(one: string, other: string): boolean {
  return one === other || one.toLowerCase() === other.toLowerCase()
}

function readRecords(reader: Reader, count: number): ResourceRecord[] {
  const records: ResourceRecord[] = []
  for (let i = 0; i < count; i++) {
    const { name, number, klass, ttl, data } = readRecord(reader)
    const type = typeName(number)
    if (type !== undefined && klass === CLASS_IN) records.push({ name, type, ttl, data: readData(type, data) })
  }
  return records
}

function readNegativeTtl(reader: Reader, count: number): number {
  for (let i = 0; i < count; i++) {
    const { number, ttl, data } = readRecord(reader)
    if (number !== TYPE_SOA) continue
    const soa = readData('SOA', data) as { minttl: number }
    return Math.min(ttl, believable(soa.minttl))
  }
  return 0
}

function readRecord(reader: Reader) {
  const [name, number, klass] = [reader.name(), reader.u16(), reader.u16()]
  const ttl = believable(reader.u32())
  return { name, number, klass, ttl, data: reader.part(reader.u16()) }
}

function believable(ttl: number): number {
  return ttl > MAX_TTL ? 0 : ttl
}
