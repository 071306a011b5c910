// Names for the numbers of headers and flag words, where a field is no attribute and so has no type of its own.
import { invalidArgument } from '../../kernel/errors.js'

export type Names = Readonly<Record<string, number>>

/** Names by number, and sets of flags that have been seen: they are few, and asked for with every link of a list. */
const known = new WeakMap<Names, Map<number, string>>()
const seen = new WeakMap<Names, Map<number, string[]>>()

/** The name of a number; the number itself where it has none. */
export function nameOf<N extends Names>(names: N, number: number): (keyof N & string) | number {
  let byNumber = known.get(names)
  if (byNumber === undefined) {
    byNumber = new Map(Object.entries(names).map(([name, each]) => [each, name]))
    known.set(names, byNumber)
  }
  return byNumber.get(number) ?? number
}

/** The number of a name; numbers pass. @throws ERR_INVALID_ARG_VALUE */
export function numberOf(names: Names, value: string | number, label: string, max = 255): number {
  if (typeof value === 'string' && Object.hasOwn(names, value)) return names[value] as number
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max) return value as number
  throw invalidArgument(label, `must be one of ${Object.keys(names).join(', ')}, or a number up to ${max}`, value)
}

const SEEN_MAX = 256

/** The names of the bits that are set. */
export function flagsOf<N extends Names>(names: N, bits: number): (keyof N & string)[] {
  let sets = seen.get(names)
  if (sets === undefined) {
    sets = new Map()
    seen.set(names, sets)
  }
  let flags = sets.get(bits)
  if (flags === undefined) {
    flags = Object.keys(names).filter((name) => bits & (names[name] as number))
    if (sets.size < SEEN_MAX) sets.set(bits, flags)
  }
  return [...flags]
}

/** The bits of names. @throws ERR_INVALID_ARG_VALUE */
export function bitsOf(names: Names, flags: readonly string[], label: string): number {
  if (!Array.isArray(flags)) throw invalidArgument(label, `must be an array of ${Object.keys(names).join(', ')}`, flags)
  return flags.reduce((bits, flag) => bits | numberOf(names, flag, label, 0), 0)
}
