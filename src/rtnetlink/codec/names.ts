// Names for the numbers of headers and flag words, where a field is no attribute and so has no type of its own.
import { invalidArgument } from '../../kernel/errors.js'

export type Names = Readonly<Record<string, number>>

/** The name of a number; the number itself where it has none. */
export function nameOf<N extends Names>(names: N, number: number): (keyof N & string) | number {
  for (const name in names) if (names[name] === number) return name
  return number
}

/** The number of a name; numbers pass. @throws ERR_INVALID_ARG_VALUE */
export function numberOf(names: Names, value: string | number, label: string, max = 255): number {
  if (typeof value === 'string' && Object.hasOwn(names, value)) return names[value] as number
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max) return value as number
  throw invalidArgument(label, `must be one of ${Object.keys(names).join(', ')}, or a number up to ${max}`, value)
}

/** The names of the bits that are set. */
export function flagsOf<N extends Names>(names: N, bits: number): (keyof N & string)[] {
  const set: (keyof N & string)[] = []
  for (const name in names) if (bits & (names[name] as number)) set.push(name)
  return set
}

/** The bits of names. @throws ERR_INVALID_ARG_VALUE */
export function bitsOf(names: Names, flags: readonly string[], label: string): number {
  if (!Array.isArray(flags)) throw invalidArgument(label, `must be an array of ${Object.keys(names).join(', ')}`, flags)
  return flags.reduce((bits, flag) => bits | numberOf(names, flag, label, 0), 0)
}
