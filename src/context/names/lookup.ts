// dns.lookup and dns.lookupService for a namespace: getaddrinfo(3) and getnameinfo(3) with its files and its servers.
import { ADDRCONFIG, ALL, V4MAPPED } from 'node:dns'
import { isIP } from 'node:net'
import os from 'node:os'
import { invalidArgument } from '../../kernel/errors.js'
import { arpaName, canonicalAddress, type Family, isLoopback, parseLooseIPv4 } from './address.js'
import { type NameSpace, nameSpace } from './config.js'
import { domainName, isLocalhost, isOnion } from './domain-name.js'
import { lookupError, type QueryCode } from './errors.js'
import type { HostAddress } from './hosts.js'
import type { Answer } from './message.js'
import { type Order, ordered } from './order.js'
import { ask } from './query.js'
import type { ResolvConf } from './resolv-conf.js'
import type { NameSource } from './source.js'

export type LookupOptions = {
  /** 0 for both. */
  family?: 0 | Family | undefined
  /** dns.ADDRCONFIG, dns.V4MAPPED and dns.ALL, or-ed. */
  hints?: number | undefined
  /** 'verbatim' is getaddrinfo's own order, that of RFC 6724. */
  order?: Order | undefined
}

const LOOPBACK: readonly HostAddress[] = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
]
const ABSENT = new Set<QueryCode>(['ENOTFOUND', 'ENODATA'])
/** No server is there: no use in asking it for the next name of the search list. */
const NOBODY = new Set<QueryCode>(['ETIMEOUT', 'ECONNREFUSED', 'ECANCELLED'])

/**
 * The addresses of a host: of an IP literal, of localhost, from the namespace's hosts file, from its servers; in this order,
 * the first that knows the name.
 * @throws Node's errors of dns.lookup: ENOTFOUND, and EAI_AGAIN where the servers could not say; syscall 'getaddrinfo'.
 * NsfdError where the namespace's hosts file or resolv.conf exists and cannot be read.
 */
export async function lookup(
  source: NameSource,
  hostname: string,
  { family = 0, hints = 0, order = 'verbatim' }: LookupOptions = {},
): Promise<HostAddress[]> {
  const literal = isIP(hostname)
  if (literal !== 0) return [{ address: hostname, family: literal as Family }]
  const wanted = narrowed(source, family, hints)
  const mapped = wanted === 6 && (hints & V4MAPPED) !== 0
  const found = wanted && (await find(nameSpace(source), hostname, mapped ? undefined : wanted))
  const addresses = found && mapped ? withMapped(found, (hints & ALL) !== 0) : found
  if (!addresses || addresses.length === 0) throw lookupError('ENOTFOUND', hostname)
  return ordered(addresses, order)
}

/**
 * The name of an address and of a port: from the namespace's hosts file or the PTR record, and from its services file.
 * @throws ENOTFOUND or EAI_AGAIN with syscall 'getnameinfo'; ERR_INVALID_ARG_VALUE for what is no address or port.
 */
export async function lookupService(
  source: NameSource,
  address: string,
  port: number,
): Promise<{ hostname: string; service: string }> {
  if (isIP(address) === 0) throw invalidArgument('address', 'must be an IP address', address)
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw invalidArgument('port', 'must be a whole number from 0 to 65535', port)
  }
  const space = nameSpace(source)
  const hostname = await nameOf(space, address)
  return { hostname, service: space.services.get(`${port}/tcp`) ?? String(port) }
}

async function nameOf(space: NameSpace, address: string): Promise<string> {
  const [listed] = space.hosts.byAddress.get(canonicalAddress(address)) ?? []
  if (listed !== undefined) return listed
  const { answer } = await ask(space, arpaName(address), 'PTR')
  if ('failure' in answer && !ABSENT.has(answer.failure)) {
    throw lookupError('EAI_AGAIN', address, 'getnameinfo', answer.cause)
  }
  const [first] = 'failure' in answer ? [] : answer.records
  if (first === undefined) throw lookupError('ENOTFOUND', address, 'getnameinfo')
  return first.data as string
}

type Wanted = 'both' | Family

/** AI_ADDRCONFIG: only families of which the namespace has an address that is not a loopback one, if it has any. */
function narrowed(source: NameSource, family: 0 | Family, hints: number): Wanted | undefined {
  const asked = family === 0 ? 'both' : family
  if ((hints & ADDRCONFIG) === 0) return asked
  const interfaces = Object.values((source.networkInterfaces ?? os.networkInterfaces)()).flat()
  const has = (version: string) => interfaces.some((entry) => entry?.internal === false && entry.family === version)
  const [has4, has6] = [has('IPv4'), has('IPv6')]
  if (has4 === has6) return asked
  const only = has4 ? 4 : 6
  if (asked === 6 && only === 4 && (hints & V4MAPPED) !== 0) return 6
  return asked === 'both' || asked === only ? only : undefined
}

function withMapped(found: readonly HostAddress[], all: boolean): HostAddress[] {
  const own = found.filter(({ family }) => family === 6)
  if (own.length > 0 && !all) return own
  const mapped = found.filter(({ family }) => family === 4)
  return [...own, ...mapped.map(({ address }) => ({ address: `::ffff:${address}`, family: 6 as const }))]
}

/** wanted: undefined where a mapping of IPv4 addresses is to follow, so that both matter. */
async function find(space: NameSpace, hostname: string, wanted: Wanted = 'both'): Promise<readonly HostAddress[]> {
  const isWanted = ({ family }: HostAddress) => wanted === 'both' || family === wanted
  const loose = parseLooseIPv4(hostname)
  if (loose !== undefined) return ([{ address: loose, family: 4 }] satisfies HostAddress[]).filter(isWanted)
  const name = domainName(hostname)
  if (name === undefined || isOnion(name)) return []
  const listed = (space.hosts.byName.get(name) ?? []).filter(isWanted)
  if (isLocalhost(name)) {
    const own = listed.filter(({ address }) => isLoopback(address))
    return own.length > 0 ? own : LOOPBACK.filter(isWanted)
  }
  if (listed.length > 0) return listed
  return findByServers(space, hostname, name, wanted)
}

async function findByServers(
  space: NameSpace,
  hostname: string,
  name: string,
  wanted: Wanted,
): Promise<readonly HostAddress[]> {
  let undecided: Answer | undefined
  for (const candidate of candidates(name, hostname.endsWith('.'), space.resolvConf)) {
    const answers = await askAddresses(space, candidate, wanted)
    const found = answers.flatMap(addressesOf)
    if (found.length > 0) return found
    undecided ??= answers.find((answer) => 'failure' in answer && !ABSENT.has(answer.failure))
    if (answers.some((answer) => 'failure' in answer && NOBODY.has(answer.failure))) break
  }
  if (undecided !== undefined && 'failure' in undecided) {
    throw lookupError('EAI_AGAIN', hostname, 'getaddrinfo', undecided.cause)
  }
  return []
}

/** resolv.conf(5), ndots and search: the names that may be meant, the likeliest first. */
export function candidates(name: string, isAbsolute: boolean, { ndots, search }: ResolvConf): string[] {
  if (isAbsolute) return [name]
  const longer = search.map((domain) => domainName(domain === '' ? name : `${name}.${domain}`))
  const valid = longer.filter((candidate) => candidate !== undefined)
  const dots = name.split('.').length - 1
  return [...new Set(dots >= ndots ? [name, ...valid] : [...valid, name])]
}

async function askAddresses(space: NameSpace, name: string, wanted: Wanted): Promise<Answer[]> {
  const types = (['AAAA', 'A'] as const).filter((type) => wanted === 'both' || (type === 'A') === (wanted === 4))
  const aged = await Promise.all(types.map((type) => ask(space, name, type)))
  return aged.map(({ answer }) => answer)
}

function addressesOf(answer: Answer): HostAddress[] {
  if ('failure' in answer) return []
  return answer.records.map(({ type, data }) => ({ address: data as string, family: type === 'A' ? 4 : 6 }))
}
