// dns.resolve* and dns.reverse for a namespace: what its servers say, in Node's shapes.
import { isIP } from 'node:net'
import { invalidArgument } from '../../kernel/errors.js'
import { arpaName, canonicalAddress } from './address.js'
import { nameSpace } from './config.js'
import { domainName, isOnion } from './domain-name.js'
import { dnsError, queryError } from './errors.js'
import type { ResourceRecord } from './message.js'
import { type Aged, ask } from './query.js'
import { type QueryType, querySyscall, RECORDS } from './records.js'
import type { NameSource, QueryOptions } from './source.js'

export type ResolveOptions = QueryOptions & {
  /** For A and AAAA: objects with address and ttl (seconds) instead of strings. */
  ttl?: boolean | undefined
}

/** Records that Node names by their type outside resolveAny as well, from Node 24 on. */
const TYPED: readonly QueryType[] = Number.parseInt(process.versions.node, 10) >= 24 ? ['MX', 'SRV', 'CAA'] : []
/** An alias of nothing gives an empty array, but for these; Node has it so (for SOA with EBADRESP, which it is not). */
const NEVER_EMPTY: readonly QueryType[] = ['NS', 'PTR', 'SOA']
/** EINVAL's errno, as Node's reverse has it for what is no address. */
const UV_EINVAL = -22

/**
 * Asks the namespace's servers for a name's records, without hosts file and search list, as dns.resolve does.
 * @param hostname a domain name; '' and '.' are the root.
 * @param rrtype 'A', 'AAAA', 'ANY', 'CAA', 'CNAME', 'MX', 'NAPTR', 'NS', 'PTR', 'SOA', 'SRV', 'TLSA' or 'TXT'.
 * @returns what dns.promises.resolve(hostname, rrtype) returns: an array, for SOA one object.
 * @throws Node's errors: ENOTFOUND, ENODATA, EBADNAME, ESERVFAIL, EREFUSED, EFORMERR, ENOTIMP, EBADRESP, ETIMEOUT,
 * ECONNREFUSED, ECANCELLED, with syscall 'queryA' and so on; NsfdError where the namespace's resolv.conf cannot be read.
 */
export async function resolve(
  source: NameSource,
  hostname: string,
  rrtype: string = 'A',
  options: ResolveOptions = {},
): Promise<unknown> {
  if (!isQueryType(rrtype)) throw invalidArgument('rrtype', 'must be a record type that dns.resolve knows', rrtype)
  const syscall = querySyscall(rrtype)
  const name = hostname === '' || hostname === '.' ? '' : domainName(hostname)
  if (name === undefined) throw queryError('EBADNAME', syscall, hostname)
  if (isOnion(name)) throw queryError('ENOTFOUND', syscall, hostname)
  const aged = await ask(nameSpace(source), name, rrtype, options)
  if ('failure' in aged.answer) throw queryError(aged.answer.failure, syscall, hostname, aged.answer.cause)
  const records = recordsNow(aged)
  if (records.length === 0 && NEVER_EMPTY.includes(rrtype)) throw queryError('ENODATA', syscall, hostname)
  return shaped(rrtype, records, options.ttl === true)
}

/**
 * The names of an address: those the namespace's hosts file gives it, otherwise those of its PTR records.
 * @throws Node's errors of dns.reverse: as resolve, with syscall 'getHostByAddr'; EINVAL for what is no address.
 */
export async function reverse(source: NameSource, address: string, options: QueryOptions = {}): Promise<string[]> {
  const syscall = 'getHostByAddr'
  if (isIP(address) === 0) throw dnsError('EINVAL', UV_EINVAL, syscall, address)
  const space = nameSpace(source)
  const listed = space.hosts.byAddress.get(canonicalAddress(address))
  if (listed !== undefined) return [...listed]
  const aged = await ask(space, arpaName(address), 'PTR', options)
  if ('failure' in aged.answer) throw queryError(aged.answer.failure, syscall, address, aged.answer.cause)
  const names = recordsNow(aged).map(({ data }) => data as string)
  if (names.length === 0) throw queryError('ENODATA', syscall, address)
  return names
}

function isQueryType(rrtype: unknown): rrtype is QueryType {
  return rrtype === 'ANY' || (typeof rrtype === 'string' && Object.hasOwn(RECORDS, rrtype))
}

/** The caller's own copies, with what is left of their TTLs. */
function recordsNow({ answer, age }: Aged): ResourceRecord[] {
  if ('failure' in answer) return []
  return answer.records.map(({ name, type, ttl, data }) => ({
    name,
    type,
    ttl: Math.max(0, ttl - age),
    data: typeof data === 'string' ? data : structuredClone(data),
  }))
}

function shaped(rrtype: QueryType, records: ResourceRecord[], withTtl: boolean): unknown {
  if (rrtype === 'ANY' || TYPED.includes(rrtype)) return records.map(anyShape)
  if (rrtype === 'SOA') return records[0]?.data
  if (withTtl && isAddress(rrtype)) return records.map(({ data, ttl }) => ({ address: data, ttl }))
  return records.map(({ data }) => data)
}

function anyShape({ type, data, ttl }: ResourceRecord): Record<string, unknown> {
  return { ...RECORDS[type].any(data), type, ...(isAddress(type) ? { ttl } : {}) }
}

function isAddress(type: QueryType): boolean {
  return type === 'A' || type === 'AAAA'
}
