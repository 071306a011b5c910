// The order of a host's addresses: getaddrinfo's (RFC 6724) where a namespace may reach one family and not the other.
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { addressBytes } from './address.js'
import type { HostAddress } from './hosts.js'

export type Order = 'verbatim' | 'ipv4first' | 'ipv6first'

/** No datagram is sent there: connecting a datagram socket only makes the kernel choose a route and a source. */
const ANY_PORT = 9
/** Addresses whose routes are tried; the rest keeps its order behind them. */
const MAX_PROBES = 32

/** RFC 6724 2.1: prefix, its length in bits, precedence and label; the longest match counts. */
const POLICIES = [
  { prefix: '::1', bits: 128, precedence: 50, label: 0 },
  { prefix: '::ffff:0.0.0.0', bits: 96, precedence: 35, label: 4 },
  { prefix: '::', bits: 96, precedence: 1, label: 3 },
  { prefix: '2001::', bits: 32, precedence: 5, label: 5 },
  { prefix: '2002::', bits: 16, precedence: 30, label: 2 },
  { prefix: '3ffe::', bits: 16, precedence: 1, label: 12 },
  { prefix: 'fec0::', bits: 10, precedence: 1, label: 11 },
  { prefix: 'fc00::', bits: 7, precedence: 3, label: 13 },
  { prefix: '::', bits: 0, precedence: 40, label: 1 },
].map((policy) => ({ ...policy, bytes: addressBytes(policy.prefix) }))

const LINK_LOCAL = 2
const SITE_LOCAL = 5
const GLOBAL = 14

type Candidate = { readonly host: HostAddress; readonly source: string | undefined }

/** Sorts addresses; must be called inside the namespace they are for. */
export async function ordered(addresses: readonly HostAddress[], order: Order): Promise<HostAddress[]> {
  const sorted = await byReachability(addresses)
  if (order === 'verbatim') return sorted
  const first = order === 'ipv4first' ? 4 : 6
  return [...sorted.filter(({ family }) => family === first), ...sorted.filter(({ family }) => family !== first)]
}

// Among addresses of one family the server's order stays: that is how it spreads load.
async function byReachability(addresses: readonly HostAddress[]): Promise<HostAddress[]> {
  if (new Set(addresses.map(({ family }) => family)).size < 2) return [...addresses]
  const probed = addresses.slice(0, MAX_PROBES)
  const candidates = await Promise.all(probed.map(async (host) => ({ host, source: await sourceFor(host) })))
  return [...candidates.sort(compare).map(({ host }) => host), ...addresses.slice(MAX_PROBES)]
}

/** The address the kernel would send from, undefined where it knows no way. */
function sourceFor({ address, family }: HostAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const lookup = (host: string, _: unknown, callback: (e: Error | null, host: string, family: number) => void) =>
      callback(null, host, isIPv6(host) ? 6 : 4)
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup: lookup as never })
    let source: string | undefined
    const finish = () => {
      socket.off('error', finish)
      socket.on('error', () => {}) // Nothing it may still say matters: the question was whether there is a way.
      socket.close(() => resolve(source))
    }
    const connected = (error?: Error) => {
      if (!error) source = socket.address().address
      finish()
    }
    socket.on('error', finish)
    socket.connect(ANY_PORT, address, connected as () => void)
  })
}

// RFC 6724 6, rules 1, 2, 5, 6 and 8; the sort is stable, which is rule 10.
function compare(one: Candidate, other: Candidate): number {
  for (const rule of RULES) {
    const difference = rule(other) - rule(one)
    if (difference !== 0) return difference
  }
  return 0
}

const RULES: readonly ((candidate: Candidate) => number)[] = [
  ({ source }) => Number(source !== undefined),
  ({ host, source }) => Number(source !== undefined && scope(host.address) === scope(source)),
  ({ host, source }) => Number(source !== undefined && policy(host.address).label === policy(source).label),
  ({ host }) => policy(host.address).precedence,
  ({ host }) => -scope(host.address),
]

function policy(address: string): { precedence: number; label: number } {
  const bytes = asIPv6(address)
  const [longest] = POLICIES.filter((entry) => startsWith(bytes, entry.bytes, entry.bits)).sort(
    (a, b) => b.bits - a.bits,
  )
  return longest ?? { precedence: 40, label: 1 }
}

/** RFC 6724 3.1 and 3.2. */
function scope(address: string): number {
  const bytes = asIPv6(address)
  const [first = 0, second = 0] = bytes
  if (startsWith(bytes, addressBytes('::ffff:0.0.0.0'), 96)) {
    const isLocal = bytes[12] === 127 || (bytes[12] === 169 && bytes[13] === 254)
    return isLocal ? LINK_LOCAL : GLOBAL
  }
  if (first === 0xff) return second & 0xf
  if (startsWith(bytes, addressBytes('::1'), 128) || (first === 0xfe && (second & 0xc0) === 0x80)) return LINK_LOCAL
  return first === 0xfe && (second & 0xc0) === 0xc0 ? SITE_LOCAL : GLOBAL
}

function asIPv6(address: string): Uint8Array {
  return addressBytes(isIPv6(address) ? address : `::ffff:${address}`)
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit++) {
    const mask = 0x80 >> (bit % 8)
    if (((bytes[bit >> 3] ?? 0) & mask) !== ((prefix[bit >> 3] ?? 0) & mask)) return false
  }
  return true
}
