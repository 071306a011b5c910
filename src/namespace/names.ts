// Names of pins: what may become a file under /run/<kind>ns, and where that file is.
import { join } from 'node:path'
import { invalidArgument } from '../kernel/errors.js'
import { KINDS, type Kind } from './kinds.js'

const NAME_MAX = 255

/** A name that is one path component and cannot be mistaken for anything else. */
export function checkPinName(name: unknown): string {
  const refuse = (requirement: string) => invalidArgument('name', requirement, name)
  if (typeof name !== 'string') throw refuse('must be a string')
  if (name === '') throw refuse('must not be empty')
  if (name.includes('/')) throw refuse('must be a name, not a path: it may not contain "/"')
  if (name === '.' || name === '..') throw refuse('must not be "." or ".."')
  if (hasControlCharacter(name)) throw refuse('must not contain NUL or other control characters')
  if (Buffer.byteLength(name) > NAME_MAX) throw refuse(`must be at most ${NAME_MAX} bytes long`)
  return name
}

export function pinPath(name: string, kind: Kind): string {
  return join(KINDS[kind].directory, checkPinName(name))
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\x7f')
}
