// Internet addresses and prefixes: text to bytes and back. Text as inet_ntop(3) writes it.
import { isIPv4, isIPv6 } from 'node:net'
import { invalidArgument } from '../../kernel/errors.js'

export type Family = 4 | 6

/** The family of an address's text. @throws ERR_INVALID_ARG_VALUE */
export function familyOf(text: unknown, label: string): Family {
  if (typeof text === 'string' && !text.includes('%')) {
    if (isIPv4(text)) return 4
    if (isIPv6(text)) return 6
  }
  throw invalidArgument(label, 'must be an IPv4 or IPv6 address', text)
}

/** 4 or 16 bytes. @throws ERR_INVALID_ARG_VALUE */
export function parseIp(text: unknown, label: string): Uint8Array {
  return familyOf(text, label) === 4 ? parseIpv4(text as string) : parseIpv6(text as string)
}

export function formatIp(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return end - start === 4 ? formatIpv4(bytes, start) : formatIpv6(bytes, start)
}

export type Prefix = { address: string; length: number; family: Family }

/**
 * '10.0.0.1/24'. Without a length it is a host: /32 or /128.
 * @throws ERR_INVALID_ARG_VALUE
 */
export function parsePrefix(text: unknown, label: string): Prefix {
  if (typeof text !== 'string') throw invalidArgument(label, "must be a prefix such as '10.0.0.1/24'", text)
  const [address = '', length, ...more] = text.split('/')
  const family = familyOf(address, label)
  const most = family === 4 ? 32 : 128
  if (more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)) || Number(length ?? 0) > most) {
    throw invalidArgument(label, `must have a prefix length from 0 to ${most}`, text)
  }
  return { address, length: length === undefined ? most : Number(length), family }
}

/**
 * A prefix that names a network: no bit set beyond its length.
 * @throws ERR_INVALID_ARG_VALUE, with the network it probably meant
 */
export function parseNetwork(text: unknown, label: string): Prefix {
  const prefix = parsePrefix(text, label)
  const bytes = parseIp(prefix.address, label)
  const network = bytes.map((byte, i) => byte & maskByte(prefix.length - 8 * i))
  if (!Buffer.from(bytes).equals(network)) {
    const meant = `${formatIp(network)}/${prefix.length}`
    throw invalidArgument(label, `must have no bits set beyond its length: did you mean ${meant}?`, text)
  }
  return prefix
}

function maskByte(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff
}

function parseIpv4(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number)
}

function parseIpv6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::')
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = Array<number>(8 - before.length - after.length).fill(0)
  const bytes = new Uint8Array(16)
  for (const [i, group] of [...before, ...zeros, ...after].entries()) {
    bytes[2 * i] = group >> 8
    bytes[2 * i + 1] = group & 0xff
  }
  return bytes
}

function groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = parseIpv4(group)
    return [(a << 8) | b, (c << 8) | d]
  })
}

function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
}

function formatIpv6(bytes: Uint8Array, start: number): string {
  const words: number[] = []
  for (let at = start; at < start + 16; at += 2) words.push(((bytes[at] as number) << 8) | (bytes[at + 1] as number))
  const gap = longestZeros(words)
  if (gap.start === 0 && (gap.length === 6 || (gap.length === 5 && words[5] === 0xffff))) {
    const prefix = gap.length === 6 ? '::' : '::ffff:'
    return prefix + formatIpv4(bytes, start + 12)
  }
  const hex = (from: number, to: number) =>
    words
      .slice(from, to)
      .map((word) => word.toString(16))
      .join(':')
  return gap.length < 2 ? hex(0, 8) : `${hex(0, gap.start)}::${hex(gap.start + gap.length, 8)}`
}

function longestZeros(words: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let i = 0; i <= words.length; i++) {
    if (words[i] === 0) continue
    if (i - start > best.length) best = { start, length: i - start }
    start = i + 1
  }
  return best
}
