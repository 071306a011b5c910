// An operation: what a person asks for, before the indexes of the links it names are known. A Route performs one; a batch,
// many at a time.
import { invalidArgument } from '../kernel/errors.js'
import type { Namespace } from '../namespace/namespace.js'
import type { NetnsRef } from './objects/link-options.js'
import type { Request } from './request.js'
import type { Read } from './transport.js'

/** A link, by its name (or an alternative name) or its index. */
export type LinkRef = string | number

/** The index of a link by reference; a batch and a Route each know how to find it. */
export type IndexOf = (ref: LinkRef) => number

export type Operation<T = void> = {
  /** What it does, after "cannot". */
  readonly asked: string
  /** Links it must know the index of. */
  readonly needs: readonly LinkRef[]
  /** Names that mean another link, or none, once it has run. */
  readonly touches: readonly string[]
  /**
   * One request, or several that go in one send, in order. If a later one is refused, the operation is undone.
   * `tell`: whether the kernel is to tell what it made; if nobody asks, that is time saved.
   */
  build(indexOf: IndexOf, tell?: boolean): Request | readonly Request[]
  /** Namespaces whose descriptors it carries: kept open from the moment it is asked for, even if they are closed meanwhile. */
  readonly holds?: readonly Namespace[]
  /** Makes its result of the messages that answer it; the last is what it returns. */
  readonly read?: Read<T>
  /** What undoes it; undefined where nothing can. */
  readonly undo?: Operation<unknown> | undefined
  /** Of a new link: its name, and where it is born if not here. */
  readonly madeAs?: { name: string; netns: NetnsRef | undefined } | undefined
  /** Of a change to a link: that link, how to see the state it is in, and what brings that back. */
  readonly undoFrom?: UndoFrom | undefined
}

export type UndoFrom = {
  readonly ref: LinkRef
  readonly look: Operation<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: what `look` sees; the two are always written together
  operation(before: any[], indexOf: IndexOf): Operation<unknown> | undefined
}

/** References among values that may be absent. */
export function refs(...values: (LinkRef | undefined)[]): LinkRef[] {
  return values.filter((value) => value !== undefined)
}

const NAME_MAX = 15
const ALT_NAME_MAX = 127

/** A name the kernel lets a link have (dev_valid_name() in net/core/dev.c). @throws ERR_INVALID_ARG_VALUE */
export function checkLinkName(name: unknown, label = 'name', max = NAME_MAX): string {
  const refuse = (requirement: string) => invalidArgument(label, requirement, name)
  if (typeof name !== 'string') throw refuse("must be a link's name")
  if (name === '') throw refuse('must not be empty')
  if (Buffer.byteLength(name) > max) throw refuse(`must be at most ${max} bytes long`)
  if (name === '.' || name === '..') throw refuse('must not be "." or ".."')
  if (/[\s/:\0]/.test(name)) throw refuse('must not contain "/", ":", whitespace or NUL')
  if (name.replace('%d', '').includes('%'))
    throw refuse('may contain "%" only as one "%d", for a number the kernel finds')
  return name
}

/** A link's name, alternative name or index. @throws ERR_INVALID_ARG_VALUE */
export function checkRef(ref: unknown, label = 'link'): LinkRef {
  if (typeof ref === 'string') return checkLinkName(ref, label, ALT_NAME_MAX)
  if (typeof ref === 'number' && Number.isInteger(ref) && ref > 0 && ref <= 0x7fffffff) return ref
  throw invalidArgument(label, "must be a link's name or its index, a whole number from 1", ref)
}

export function checkAltName(name: unknown): string {
  return checkLinkName(name, 'altName', ALT_NAME_MAX)
}

/** How messages call a link. */
export function show(ref: LinkRef): string {
  return typeof ref === 'string' ? `'${ref}'` : `with index ${ref}`
}

/** Runs work with the namespaces of operations kept open, however long it takes. */
export async function holding<T>(operations: readonly Operation<unknown>[], work: () => Promise<T>): Promise<T> {
  const held = operations.flatMap(({ holds = [] }) => holds)
  for (const ns of held) ns.use()
  try {
    return await work()
  } finally {
    for (const ns of held) ns.done()
  }
}
