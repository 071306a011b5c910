// Scalars: numbers, text, bytes, hardware and internet addresses.
import { invalidArgument } from '../../kernel/errors.js'
import { formatIp, parseIp } from './ip.js'
import { malformed, need, type Type } from './type.js'

type Number = { size: 1 | 2 | 4; signed?: boolean; bigEndian?: boolean }

function integer(name: string, { size, signed = false, bigEndian = false }: Number): Type<number> {
  const span = 2 ** (8 * size)
  const [min, max] = signed ? [-span / 2, span / 2 - 1] : [0, span - 1]
  const read = READERS[`${signed ? 's' : 'u'}${size}${bigEndian ? 'be' : ''}`] as (bytes: Buffer, at: number) => number
  return {
    name,
    size,
    align: size,
    read(bytes, start, end) {
      if (end - start < size) need(size, start, end, name)
      return read(bytes, start)
    },
    write(writer, value, _siblings, label) {
      if (!Number.isInteger(value) || value < min || value > max) {
        throw invalidArgument(label, `must be a whole number from ${min} to ${max}`, value)
      }
      const at = writer.reserve(size)
      if (bigEndian) writer.bytes.writeUIntBE(value, at, size)
      else if (signed) writer.bytes.writeIntLE(value, at, size)
      else writer.bytes.writeUIntLE(value, at, size)
    },
  }
}

const READERS: Record<string, (bytes: Buffer, at: number) => number> = {
  u1: (bytes, at) => bytes[at] as number,
  u2: (bytes, at) => (bytes[at] as number) | ((bytes[at + 1] as number) << 8),
  u4: (bytes, at) => bytes.readUInt32LE(at),
  s4: (bytes, at) => bytes.readInt32LE(at),
  u2be: (bytes, at) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number),
  u4be: (bytes, at) => bytes.readUInt32BE(at),
}

export const u8 = integer('u8', { size: 1 })
export const u16 = integer('u16', { size: 2 })
export const u32 = integer('u32', { size: 4 })
export const s32 = integer('s32', { size: 4, signed: true })
/** __be16, as ports and ethernet protocols travel. */
export const be16 = integer('be16', { size: 2, bigEndian: true })
export const be32 = integer('be32', { size: 4, bigEndian: true })

/** __u64 as a number: exact to 2^53, and for counters beyond it the nearest a number can say. */
export const u64: Type<number> = {
  name: 'u64',
  size: 8,
  align: 8,
  read(bytes, start, end) {
    need(8, start, end, 'u64')
    return bytes.readUInt32LE(start) + bytes.readUInt32LE(start + 4) * 2 ** 32
  },
  write(writer, value, _siblings, label) {
    if (!Number.isSafeInteger(value) || value < 0) throw invalidArgument(label, 'must be a whole number from 0', value)
    writer.u32(value % 2 ** 32)
    writer.u32(Math.floor(value / 2 ** 32))
  },
}

/** NLA_UINT: four bytes, or eight where the number needs them. */
export const uint: Type<number> = {
  name: 'uint',
  read: (buffer, start, end) => (end - start >= 8 ? u64 : u32).read(buffer, start, end, {}),
  write: (writer, value, siblings, label) => (value > 0xffffffff ? u64 : u32).write(writer, value, siblings, label),
}

/** A __u8 that means yes or no. */
export const bool: Type<boolean> = {
  name: 'bool',
  size: 1,
  align: 1,
  read(bytes, start, end) {
    need(1, start, end, 'bool')
    return bytes[start] !== 0
  },
  write(writer, value, _siblings, label) {
    if (typeof value !== 'boolean') throw invalidArgument(label, 'must be true or false', value)
    writer.u8(value ? 1 : 0)
  },
}

/** An attribute without a payload: being there is its meaning. */
export const flag: Type<true> = {
  name: 'flag',
  read: () => true,
  write(_writer, value, _siblings, label) {
    if (value !== true) throw invalidArgument(label, 'must be true, or left out', value)
  },
}

/** A string that ends with NUL. */
export const str: Type<string> = {
  name: 'string',
  read(bytes, start, end) {
    let stop = start
    while (stop < end && bytes[stop] !== 0) stop++
    return (bytes as unknown as { utf8Slice(start: number, end: number): string }).utf8Slice(start, stop)
  },
  write(writer, value, _siblings, label) {
    if (typeof value !== 'string' || value.includes('\0')) {
      throw invalidArgument(label, 'must be a string without NUL', value)
    }
    writer.raw(Buffer.from(value))
    writer.u8(0)
  },
}

/** Bytes as they are. Decoded, a copy of the message's. */
export const bytes: Type<Uint8Array> = {
  name: 'bytes',
  read: (buffer, start, end) => Uint8Array.prototype.slice.call(buffer, start, end),
  write(writer, value, _siblings, label) {
    if (!(value instanceof Uint8Array)) throw invalidArgument(label, 'must be bytes (a Uint8Array)', value)
    writer.raw(value)
  },
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const COLON_HEX = HEX.map((hex) => `:${hex}`)
const MAC = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){0,31}$/i

/** A hardware address, '02:00:5e:00:00:01', of any length up to MAX_ADDR_LEN (32). */
export const hwaddr: Type<string> = {
  name: 'hardware address',
  read(buffer, start, end) {
    if (start === end) return ''
    let text = HEX[buffer[start] as number] as string
    for (let at = start + 1; at < end; at++) text += COLON_HEX[buffer[at] as number]
    return text
  },
  write(writer, value, _siblings, label) {
    if (typeof value !== 'string' || !MAC.test(value)) {
      throw invalidArgument(label, "must be a hardware address such as '02:00:5e:00:00:01'", value)
    }
    writer.raw(Buffer.from(value.replace(/[:-]/g, ''), 'hex'))
  },
}

/** An IPv4 or IPv6 address, by the length of its bytes. */
export const ip: Type<string> = {
  name: 'internet address',
  read(buffer, start, end) {
    if (end - start !== 4 && end - start !== 16) throw malformed(`an internet address of ${end - start} bytes`)
    return formatIp(buffer, start, end)
  },
  write(writer, value, _siblings, label) {
    writer.raw(parseIp(value, label))
  },
}

/** Numbers of one type, back to back: `__s32 conf[]`. */
export function vector(of: Type<number>): Type<number[]> {
  const size = of.size as number
  return {
    name: `${of.name}[]`,
    read(buffer, start, end) {
      const values: number[] = []
      for (let at = start; at + size <= end; at += size) values.push(of.read(buffer, at, at + size, {}))
      return values
    },
    write(writer, values, siblings, label) {
      if (!Array.isArray(values)) throw invalidArgument(label, 'must be an array of numbers', values)
      for (const value of values) of.write(writer, value, siblings, label)
    },
  }
}

/** So many bytes within a struct, as numbers: `__u8 priomap[16]`. */
export function octets(size: number): Type<number[]> & { readonly size: number } {
  return {
    name: `u8[${size}]`,
    size,
    align: 1,
    read(buffer, start, end) {
      need(size, start, end, `u8[${size}]`)
      return [...buffer.subarray(start, start + size)]
    },
    write(writer, values, _siblings, label) {
      const given: unknown = values || []
      if (!Array.isArray(given) || given.length > size) throw invalidArgument(label, `must be ${size} bytes`, values)
      const at = writer.reserve(size)
      for (const [i, value] of given.entries()) writer.bytes[at + i] = value
    },
  }
}

/** A number with names for its values. What the table does not name stays a number, both ways. */
export function named<const N extends Readonly<Record<string, number>>>(
  of: Type<number>,
  names: N,
): Type<(keyof N & string) | number> {
  const byNumber = new Map(Object.entries(names).map(([name, number]) => [number, name as keyof N & string]))
  return {
    ...of,
    read(buffer, start, end, siblings) {
      const number = of.read(buffer, start, end, siblings)
      return byNumber.get(number) ?? number
    },
    write(writer, value, siblings, label) {
      if (typeof value === 'string' && !Object.hasOwn(names, value)) {
        throw invalidArgument(label, `must be one of ${Object.keys(names).join(', ')}`, value)
      }
      of.write(writer, typeof value === 'string' ? (names[value] as number) : value, siblings, label)
    },
  }
}
