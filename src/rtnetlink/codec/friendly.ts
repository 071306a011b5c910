// Friendly names: IFLA_BR_VLAN_FILTERING is `vlanFiltering` to a person. Made from the C names, by one rule, so that a
// table is written once and the two never differ.
import { invalidArgument } from '../../kernel/errors.js'
import type { Table } from './table.js'

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<S>

/** A table's attributes without their prefix, in camel case. */
export type Friendly<V, Prefix extends string> = {
  [K in keyof V as K extends `${Prefix}${infer Rest}` ? Camel<Rest> : never]?: Exclude<V[K], undefined>
}

export type Renamer = {
  /** C names to friendly ones; what has no table stays as it is. */
  toFriendly(values: Record<string, unknown>): Record<string, unknown>
  /** @throws ERR_INVALID_ARG_VALUE for a name the table does not have */
  toAttributes(options: object, label: string): Record<string, unknown>
}

// biome-ignore lint/suspicious/noExplicitAny: tables of every kind
export function renamer(table: Table<any>, prefix: string): Renamer {
  const friendly = new Map<string, string>()
  const original = new Map<string, string>()
  for (const name of Object.keys(table.rows)) {
    const short = camel(name.startsWith(prefix) ? name.slice(prefix.length) : name)
    friendly.set(name, short)
    original.set(short, name)
  }
  return {
    toFriendly: (values) => rename(values, (name) => friendly.get(name) ?? name),
    toAttributes: (options, label) =>
      rename(options, (short) => {
        const name = original.get(short)
        if (name === undefined)
          throw invalidArgument(label, `has no ${short}: it has ${[...original.keys()].join(', ')}`, short)
        return name
      }),
  }
}

function rename(values: object, name: (key: string) => string): Record<string, unknown> {
  const renamed: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(values)) renamed[name(key)] = value
  return renamed
}

function camel(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}
