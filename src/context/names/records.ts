// The record types Node's dns.resolve knows: their numbers, the name of their query, and their data in Node's shapes.
import { addressText } from './address.js'
import { Malformed, type Reader } from './reader.js'

export type RecordType = keyof typeof RECORDS
export type QueryType = RecordType | 'ANY'

export type RecordData = string | string[] | Record<string, unknown>

type RecordKind = {
  /** Its number, RFC 1035 3.2.2 and the IANA registry. */
  readonly number: number
  /** What Node calls the query in `error.syscall`. */
  readonly syscall: string
  /** Its data as dns.resolve(name, type) gives it. */
  read(data: Reader): RecordData
  /** Its data as one of the objects of dns.resolveAny. */
  any(data: RecordData): Record<string, unknown>
}

const asValue = (value: RecordData) => ({ value })
const asIs = (value: RecordData) => value as Record<string, unknown>

export const RECORDS = {
  A: {
    number: 1,
    syscall: 'queryA',
    read: (r) => `${r.u8()}.${r.u8()}.${r.u8()}.${r.u8()}`,
    any: (address) => ({ address }),
  },
  AAAA: { number: 28, syscall: 'queryAaaa', read: (r) => addressText(r.bytes(16)), any: (address) => ({ address }) },
  CNAME: { number: 5, syscall: 'queryCname', read: (r) => r.name(), any: asValue },
  MX: { number: 15, syscall: 'queryMx', read: (r) => ({ priority: r.u16(), exchange: r.name() }), any: asIs },
  NS: { number: 2, syscall: 'queryNs', read: (r) => r.name(), any: asValue },
  TXT: { number: 16, syscall: 'queryTxt', read: readTxt, any: (entries) => ({ entries }) },
  SRV: { number: 33, syscall: 'querySrv', read: readSrv, any: asIs },
  PTR: { number: 12, syscall: 'queryPtr', read: (r) => r.name(), any: asValue },
  NAPTR: { number: 35, syscall: 'queryNaptr', read: readNaptr, any: asIs },
  SOA: { number: 6, syscall: 'querySoa', read: readSoa, any: asIs },
  CAA: { number: 257, syscall: 'queryCaa', read: readCaa, any: asIs },
  TLSA: { number: 52, syscall: 'queryTlsa', read: readTlsa, any: asIs },
} as const satisfies Record<string, RecordKind>

const ANY = 255

const nameByNumber = new Map<number, RecordType>(
  Object.entries(RECORDS).map(([name, { number }]) => [number, name as RecordType]),
)

export function typeName(number: number): RecordType | undefined {
  return nameByNumber.get(number)
}

export function typeNumber(type: QueryType): number {
  return type === 'ANY' ? ANY : RECORDS[type].number
}

export function querySyscall(type: QueryType): string {
  return type === 'ANY' ? 'queryAny' : RECORDS[type].syscall
}

/** Reads a record's data, all of it: what is left over would mean that it was not what it says. */
export function readData(type: RecordType, data: Reader): RecordData {
  const value = RECORDS[type].read(data)
  if (data.left > 0) throw new Malformed(`${data.left} bytes too many in a record of type ${type}`)
  return value
}

function readTxt(r: Reader): string[] {
  const entries = []
  while (r.left > 0) entries.push(r.string())
  return entries
}

function readSrv(r: Reader): Record<string, unknown> {
  const [priority, weight, port] = [r.u16(), r.u16(), r.u16()]
  return { name: r.name(), port, priority, weight }
}

function readNaptr(r: Reader): Record<string, unknown> {
  const [order, preference] = [r.u16(), r.u16()]
  const [flags, service, regexp] = [r.string(), r.string(), r.string()]
  return { flags, service, regexp, replacement: r.name(), order, preference }
}

function readSoa(r: Reader): Record<string, unknown> {
  return {
    nsname: r.name(),
    hostmaster: r.name(),
    serial: r.u32(),
    refresh: r.u32(),
    retry: r.u32(),
    expire: r.u32(),
    minttl: r.u32(),
  }
}

/** Node says `critical: 128` where the flag of RFC 8659 is set, and names the property after the record's tag. */
function readCaa(r: Reader): Record<string, unknown> {
  const critical = r.u8()
  const tag = r.string()
  return { critical, [tag]: r.rest().toString('latin1') }
}

function readTlsa(r: Reader): Record<string, unknown> {
  const [certUsage, selector, match] = [r.u8(), r.u8(), r.u8()]
  const data = Uint8Array.from(r.rest()).buffer
  return { certUsage, selector, match, data }
}
