// IP addresses as text and as bytes: the odd spellings inet_aton(3) takes, canonical IPv6, names in in-addr.arpa.
import { isIPv4, isIPv6 } from 'node:net'

export type Family = 4 | 6

/** Most bits a number may have when it is the last of n parts of an IPv4 address: 127.1 is 127.0.0.1. */
const LAST_PART_BITS = [32, 24, 16, 8]

/** IPv4 as inet_aton(3) and so getaddrinfo(3) read it: up to four parts, decimal, octal or hexadecimal. */
export function parseLooseIPv4(text: string): string | undefined {
  const parts = text.split('.')
  if (parts.length > 4) return undefined
  let value = 0
  for (const [index, part] of parts.entries()) {
    const number = parseNumber(part)
    const isLast = index === parts.length - 1
    const bits = isLast ? (LAST_PART_BITS[index] as number) : 8
    if (number === undefined || number >= 2 ** bits) return undefined
    value += isLast ? number : number * 2 ** (24 - 8 * index)
  }
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}

function parseNumber(text: string): number | undefined {
  if (/^0[xX][0-9a-fA-F]{1,8}$/.test(text)) return Number.parseInt(text.slice(2), 16)
  if (/^0[0-7]{1,11}$/.test(text)) return Number.parseInt(text, 8)
  return /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : undefined
}

/** The 4 or 16 bytes of an IP literal; a scope is left out. */
export function addressBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number)
  const [plain = ''] = address.split('%', 1)
  const [head = '', tail] = plain.split('::', 2)
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const groups = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

/** The text inet_ntop(3) gives for 4 or 16 bytes. */
export function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : textOfIPv6(bytes)
}

/** An IP literal as inet_ntop(3) would write it, with its scope. */
export function canonicalAddress(address: string): string {
  if (!isIPv6(address)) return address
  const scope = address.indexOf('%')
  return addressText(addressBytes(address)) + (scope === -1 ? '' : address.slice(scope))
}

function textOfIPv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number))
  const zeros = longestZeros(groups)
  const embedsIPv4 = zeros.start === 0 && (zeros.length === 6 || (zeros.length === 5 && groups[5] === 0xffff))
  const hex = groups.map((group) => group.toString(16))
  const words = embedsIPv4 ? [...hex.slice(0, 6), bytes.subarray(12).join('.')] : hex
  if (zeros.length < 2) return words.join(':')
  return `${words.slice(0, zeros.start).join(':')}::${words.slice(zeros.start + zeros.length).join(':')}`
}

function longestZeros(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  return best
}

/** The name whose PTR records name an address: RFC 1035 3.5, RFC 3596 2.5. */
export function arpaName(address: string): string {
  const bytes = addressBytes(address)
  if (bytes.length === 4) return `${bytes.reverse().join('.')}.in-addr.arpa`
  const nibbles = [...bytes].reverse().flatMap((byte) => [byte & 0xf, byte >> 4])
  return `${nibbles.map((nibble) => nibble.toString(16)).join('.')}.ip6.arpa`
}

export function isLoopback(address: string): boolean {
  return isIPv4(address) ? address.startsWith('127.') : canonicalAddress(address) === '::1'
}
