// Type: how one value travels. Every attribute and every struct field of the tables is of one of these types.
import { NsfdError } from '../../kernel/errors.js'
import type { Writer } from './writer.js'

/** A decoded table, as a dependent type sees it: what has been read, or is to be written, beside it. */
export type Siblings = { readonly [name: string]: unknown }

export type Type<T> = {
  /** How messages call it: 'u32'. */
  readonly name: string
  /** Set for types that a struct can hold: the bytes they take and the alignment C gives them. */
  readonly size?: number
  readonly align?: number
  /** NLA_F_NESTED is set on attributes of this type. */
  readonly nested?: boolean
  /** The attribute may occur many times; its value is an array, an element each. */
  readonly repeated?: boolean
  /** Reads the bytes from start to end and none outside. @throws ERR_NSFD_MALFORMED */
  read(bytes: Buffer, start: number, end: number, siblings: Siblings): T
  /** @throws ERR_INVALID_ARG_VALUE for what the type cannot hold */
  write(writer: Writer, value: T, siblings: Siblings, name: string): void
  /** The path of attribute names to the byte at `offset`, where the type has structure. */
  locate?(bytes: Buffer, start: number, end: number, offset: number, siblings: Siblings): string | undefined
}

export type ValueOf<T> = T extends Type<infer V> ? V : never

/** The error for bytes that are no message: cut short, or with lengths that lie. */
export function malformed(what: string): NsfdError {
  return new NsfdError(`A netlink message makes no sense: ${what}`, { code: 'ERR_NSFD_MALFORMED', syscall: 'netlink' })
}

/** Throws unless there are `size` bytes from start to end. */
export function need(size: number, start: number, end: number, what: string): void {
  if (end - start < size) throw malformed(`${what} takes ${size} bytes, and there are ${end - start}`)
}
