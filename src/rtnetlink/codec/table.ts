// Tables of attributes: number, C name, type. The encoder, the decoder and the TypeScript types all follow from one table.
import { invalidArgument } from '../../kernel/errors.js'
import type { Struct } from './struct.js'
import { malformed, need, type Siblings, type Type } from './type.js'
import type { Writer } from './writer.js'

const NLA_HDRLEN = 4
const NLA_TYPE_MASK = 0x3fff

/** An attribute no table names: its number with its flags, and its payload. */
export type UnknownAttribute = { readonly type: number; readonly bytes: Uint8Array }

// biome-ignore lint/suspicious/noExplicitAny: a table holds attributes of every type
export type Rows = Readonly<Record<string, readonly [number: number, type: Type<any>]>>

/** What a table decodes to: every attribute optional, under its C name; what the table does not know under `unknown`. */
export type Attributes<R extends Rows> = {
  -readonly [K in keyof R]?: (R[K][1] extends Type<infer V> ? V : never) | undefined
} & { unknown?: UnknownAttribute[] | undefined }

export type Table<V> = {
  readonly name: string
  readonly rows: Rows
  /** Reads attributes from start to end. Always terminates: every attribute takes at least its header. */
  decode(bytes: Buffer, start: number, end: number): V
  /** Writes the attributes in the order of the object's keys. @throws ERR_INVALID_ARG_VALUE */
  encode(writer: Writer, values: V, path?: string): void
  /** The names that lead to the attribute at a byte: 'IFLA_LINKINFO.IFLA_INFO_DATA.IFLA_VXLAN_ID'. */
  locate(bytes: Buffer, start: number, end: number, offset: number): string | undefined
}

type Row = { readonly name: string; readonly number: number; readonly type: Type<unknown> }

/** @param rest what becomes of attributes that are not in the table: kept as bytes, or passed over */
export function table<const R extends Rows>(
  name: string,
  rows: R,
  rest: 'kept' | 'passed over' = 'kept',
): Table<Attributes<R>> {
  const byNumber: (Row | undefined)[] = []
  const byName = new Map<string, Row>()
  for (const [key, [number, type]] of Object.entries(rows)) {
    const row: Row = { name: key, number, type: type as Type<unknown> }
    byNumber[number] = row
    byName.set(key, row)
  }

  return {
    name,
    rows,
    decode(bytes, start, end) {
      const values: Record<string, unknown> = {}
      for (let at = start; at < end; ) {
        if (end - at < NLA_HDRLEN) break // trailing padding, as the kernel's own parser has it
        const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
        if (length < NLA_HDRLEN || length > end - at) throw badLength(name, at - start, length, end - at)
        const type = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)
        const row = byNumber[type & NLA_TYPE_MASK]
        if (row === undefined) {
          if (rest === 'kept') keepUnknown(values, type, bytes, at + NLA_HDRLEN, at + length)
        } else if (row.type.repeated) append(values, row, bytes, at + NLA_HDRLEN, at + length)
        else values[row.name] = row.type.read(bytes, at + NLA_HDRLEN, at + length, values)
        at += (length + 3) & ~3
      }
      return values as Attributes<R>
    },

    encode(writer, values, path = name) {
      const given = values as Siblings
      for (const key of Object.keys(given)) {
        const value = given[key]
        if (value === undefined) continue
        if (key === 'unknown') writeUnknown(writer, value as UnknownAttribute[])
        else writeKnown(writer, rowNamed(byName, key, path), value, given, path)
      }
    },

    locate(bytes, start, end, offset) {
      const values: Record<string, unknown> = {}
      for (let at = start; end - at >= NLA_HDRLEN; ) {
        const length = bytes.readUInt16LE(at)
        if (length < NLA_HDRLEN || length > end - at) return undefined
        const row = byNumber[bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK]
        if (offset < at + length) return row && pathTo(row, bytes, at, at + length, offset, values)
        // Dependent types choose by an earlier string, such as IFLA_INFO_KIND.
        if (row?.type.name === 'string') values[row.name] = row.type.read(bytes, at + NLA_HDRLEN, at + length, values)
        at += (length + 3) & ~3
      }
      return undefined
    },
  }
}

/** An attribute whose payload is attributes. The table may be given as a function, for tables that contain themselves. */
export function nested<V>(of: Table<V> | (() => Table<V>)): Type<V> {
  const inner = typeof of === 'function' ? of : () => of
  return {
    name: 'nested',
    nested: true,
    read: (bytes, start, end) => inner().decode(bytes, start, end),
    write: (writer, value, _siblings, name) => inner().encode(writer, checkObject(value, name), name),
    locate: (bytes, start, end, offset) => inner().locate(bytes, start, end, offset),
  }
}

/** A struct, and attributes after it: VETH_INFO_PEER, the options of netem. */
export function headed<H extends object, V extends object>(
  header: Struct<H>,
  of: Table<V> | (() => Table<V>),
): Type<{ header: Partial<H> } & V> {
  const inner = typeof of === 'function' ? of : () => of
  const size = (header.size + 3) & ~3
  return {
    name: 'header and attributes',
    nested: true,
    read(bytes, start, end) {
      need(header.size, start, end, header.name)
      const attributes = inner().decode(bytes, Math.min(start + size, end), end)
      return { header: header.read(bytes, start, start + header.size, {}), ...attributes }
    },
    write(writer, value, siblings, name) {
      const { header: head, ...attributes } = checkObject(value, name)
      header.write(writer, head as H, siblings, `${name}.header`)
      writer.align()
      inner().encode(writer, attributes as unknown as V, name)
    },
    locate: (bytes, start, end, offset) => inner().locate(bytes, Math.min(start + size, end), end, offset),
  }
}

/** A payload whose type is chosen by a string beside it, as IFLA_INFO_KIND chooses that of IFLA_INFO_DATA. */
export function dependent<const C extends Readonly<Record<string, Type<unknown>>>, D>(
  on: string,
  choices: C,
  otherwise: Type<D>,
): Type<{ [K in keyof C]: C[K] extends Type<infer V> ? V : never }[keyof C] | D> {
  const choose = (siblings: Siblings): Type<unknown> => {
    const key = siblings[on]
    return typeof key === 'string' && Object.hasOwn(choices, key) ? (choices[key] as Type<unknown>) : otherwise
  }
  return {
    name: `chosen by ${on}`,
    nested: true,
    read: (bytes, start, end, siblings) => choose(siblings).read(bytes, start, end, siblings) as never,
    write: (writer, value, siblings, name) => choose(siblings).write(writer, value, siblings, name),
    locate: (bytes, start, end, offset, siblings) => choose(siblings).locate?.(bytes, start, end, offset, siblings),
  }
}

/** An attribute that may occur many times. */
export function repeated<V>(of: Type<V>): Type<V[]> {
  return { ...of, repeated: true } as unknown as Type<V[]>
}

function rowNamed(byName: Map<string, Row>, key: string, path: string): Row {
  const row = byName.get(key)
  if (row === undefined) throw invalidArgument(path, `has no attribute ${key}: see its table`, key)
  return row
}

function writeKnown(writer: Writer, row: Row, value: unknown, siblings: Siblings, path: string): void {
  const label = `${path}.${row.name}`
  const one = (each: unknown) =>
    writer.attribute(row.number, () => row.type.write(writer, each, siblings, label), row.type.nested)
  if (!row.type.repeated) one(value)
  else if (Array.isArray(value)) value.forEach(one)
  else throw invalidArgument(label, 'must be an array', value)
}

function writeUnknown(writer: Writer, attributes: UnknownAttribute[]): void {
  for (const { type, bytes } of attributes) writer.attribute(type, () => writer.raw(bytes))
}

function append(values: Record<string, unknown>, row: Row, bytes: Buffer, start: number, end: number): void {
  const value = row.type.read(bytes, start, end, values)
  const list = values[row.name] as unknown[] | undefined
  if (list === undefined) values[row.name] = [value]
  else list.push(value)
}

function keepUnknown(values: Record<string, unknown>, type: number, bytes: Buffer, start: number, end: number): void {
  const kept: UnknownAttribute = { type, bytes: Uint8Array.prototype.slice.call(bytes, start, end) }
  const list = values.unknown as UnknownAttribute[] | undefined
  if (list === undefined) values.unknown = [kept]
  else list.push(kept)
}

function pathTo(row: Row, bytes: Buffer, at: number, end: number, offset: number, siblings: Siblings): string {
  const inner = offset < at + NLA_HDRLEN ? undefined : row.type.locate?.(bytes, at + NLA_HDRLEN, end, offset, siblings)
  return inner === undefined ? row.name : `${row.name}.${inner}`
}

function checkObject<V>(value: V, name: string): V {
  if (typeof value === 'object' && value !== null) return value
  throw invalidArgument(name, 'must be an object of attributes', value)
}

function badLength(name: string, at: number, length: number, left: number): Error {
  return malformed(`the attribute at byte ${at} of ${name} says it has ${length} bytes, and there are ${left}`)
}
