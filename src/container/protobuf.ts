// Just enough of protocol buffers to ask a CRI runtime: https://protobuf.dev/programming-guides/encoding/
import { NsfdError } from '../kernel/errors.js'

/** Fields by number, each with its values in order: numbers as bigint, everything else as bytes. */
export type Message = Map<number, (bigint | Buffer)[]>

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** A message of strings, flags and other messages. */
export function encodeMessage(fields: Readonly<Record<number, string | boolean | Uint8Array>>): Buffer {
  const parts = Object.entries(fields).flatMap(([number, value]) => {
    const tag = (type: number) => varint((Number(number) << 3) | type)
    if (typeof value === 'boolean') return [tag(VARINT), varint(value ? 1 : 0)]
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    return [tag(BYTES), varint(bytes.length), bytes]
  })
  return Buffer.concat(parts)
}

/** @throws NsfdError ERR_NSFD_PROTOBUF where the bytes are no message; never reads outside of them */
export function decodeMessage(bytes: Buffer): Message {
  const message: Message = new Map()
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = readVarint(bytes, at)
    const [value, next] = readValue(bytes, afterTag, Number(tag & 7n))
    const number = Number(tag >> 3n)
    message.set(number, [...(message.get(number) ?? []), value])
    at = next
  }
  return message
}

export function text(message: Message, field: number): string {
  const value = message.get(field)?.at(-1)
  return value instanceof Buffer ? value.toString('utf8') : ''
}

export function integer(message: Message, field: number): bigint {
  const value = message.get(field)?.at(-1)
  return typeof value === 'bigint' ? value : 0n
}

export function messages(message: Message, field: number): Message[] {
  return (message.get(field) ?? []).flatMap((value) => (value instanceof Buffer ? [decodeMessage(value)] : []))
}

export function submessage(message: Message, field: number): Message {
  return messages(message, field).at(-1) ?? new Map()
}

/** map<string, string>: a list of messages of a key and a value. */
export function stringMap(message: Message, field: number): Record<string, string> {
  return Object.fromEntries(messages(message, field).map((entry) => [text(entry, 1), text(entry, 2)]))
}

function readValue(bytes: Buffer, at: number, type: number): [bigint | Buffer, number] {
  if (type === VARINT) return readVarint(bytes, at)
  const [length, start] = lengthOf(bytes, at, type)
  if (start + length > bytes.length) throw malformed()
  return [bytes.subarray(start, start + length), start + length]
}

function lengthOf(bytes: Buffer, at: number, type: number): [number, number] {
  if (type === FIXED64) return [8, at]
  if (type === FIXED32) return [4, at]
  if (type !== BYTES) throw malformed()
  const [length, start] = readVarint(bytes, at)
  return [Number(length), start]
}

function readVarint(bytes: Buffer, at: number): [bigint, number] {
  let value = 0n
  for (let index = 0; index < 10; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) break
    value |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) return [value, at + index + 1]
  }
  throw malformed()
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}

function malformed(): NsfdError {
  return new NsfdError('The answer is no valid protocol buffer message', { code: 'ERR_NSFD_PROTOBUF' })
}
