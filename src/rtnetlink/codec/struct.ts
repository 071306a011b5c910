// Structs: fields at fixed places, laid out as C lays them out, from one declaration in the header's order.
import { invalidArgument } from '../../kernel/errors.js'
import { need, type Siblings, type Type, type ValueOf } from './type.js'
import type { Writer } from './writer.js'

type Fields = Readonly<
  Record<string, Type<never> | Type<number> | Type<string> | Type<number | string> | Type<number[]> | Padding>
>
type Padding = { readonly padding: number }

export type StructValue<F extends Fields> = {
  -readonly [K in keyof F as F[K] extends Padding ? never : K]: F[K] extends Type<infer V> ? V : never
}

export type Struct<V> = Type<V> & { readonly size: number }

/** Bytes nobody reads, where the header has a field for padding. */
export function pad(padding: number): Padding {
  return { padding }
}

/**
 * Written, fields left out are zero. Read, a struct that is shorter than ours comes from an older kernel: what it lacks
 * is zero; `required` bytes must be there.
 */
export function struct<const F extends Fields>(name: string, fields: F, required?: number): Struct<StructValue<F>> {
  const { layout, size } = layOut(fields)
  const minimum = required ?? size
  const decode = (bytes: Buffer, start: number, end: number): Record<string, unknown> => {
    const value: Record<string, unknown> = {}
    for (const { name: field, type, at } of layout) {
      const from = start + at
      value[field] = from + type.size > end ? 0 : type.read(bytes, from, from + type.size, value)
    }
    return value
  }
  return {
    name: `struct ${name}`,
    size,
    align: 4,
    read(bytes, start, end) {
      if (end - start < minimum) need(minimum, start, end, `struct ${name}`)
      return decode(bytes, start, end) as StructValue<F>
    },
    write(writer: Writer, value: StructValue<F>, _siblings: Siblings, label: string) {
      if (typeof value !== 'object' || value === null) throw invalidArgument(label, `must be a struct ${name}`, value)
      const given = value as Record<string, unknown>
      const start = writer.length
      for (const { name: field, type, at } of layout) {
        writer.reserve(start + at - writer.length)
        type.write(writer, given[field] ?? 0, given, `${label}.${field}`)
      }
      writer.reserve(start + size - writer.length)
    },
  }
}

type Placed = { name: string; at: number; type: Type<unknown> & { size: number } }

function layOut(fields: Fields): { layout: Placed[]; size: number } {
  const layout: Placed[] = []
  let at = 0
  let widest = 1
  for (const [name, field] of Object.entries(fields)) {
    if ('padding' in field) {
      at += field.padding
      continue
    }
    const type = field as Type<unknown> & { size: number }
    const align = type.align ?? 1
    widest = Math.max(widest, align)
    at = Math.ceil(at / align) * align
    layout.push({ name, at, type })
    at += type.size
  }
  return { layout, size: Math.ceil(at / widest) * widest }
}

/** An array of structs, back to back. */
export function structs<V>(of: Struct<V>): Type<V[]> {
  return {
    name: `${of.name}[]`,
    read(bytes, start, end) {
      const values: V[] = []
      for (let at = start; at + of.size <= end; at += of.size) values.push(of.read(bytes, at, at + of.size, {}))
      return values
    },
    write(writer, values, siblings, label) {
      if (!Array.isArray(values)) throw invalidArgument(label, `must be an array of ${of.name}`, values)
      for (const value of values) of.write(writer, value, siblings, label)
    },
  }
}

export type { ValueOf }
