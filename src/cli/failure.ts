// How the command line fails: one line on stderr, and an exit code that means something.
import { hasCode } from '../kernel/errors.js'
import { isInsideRootless } from './rootless-marker.js'

/** 0 is success. A command run by exec has its own codes, 126 and 127 as in a shell, 128 + n after signal n. */
export const EXIT = { failure: 1, usage: 2, cannotRun: 126, notFound: 127, signalled: 128 } as const

/** A mistake in what was typed, told apart from one that the system made. */
export class UsageError extends Error {}

/** Prints why on stderr, with the stack where NSFD_DEBUG is set, and returns the exit code. */
export function reportFailure(error: unknown): number {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  process.stderr.write(`nsfd: ${process.env.NSFD_DEBUG ? (stack ?? message) : message.replace(/^nsfd: /, '')}\n`)
  if (needsPrivileges(error) && !isInsideRootless() && process.getuid?.() !== 0 && !message.includes('--rootless')) {
    process.stderr.write('nsfd: without root, try the same with --rootless: nsfd --rootless …\n')
  }
  return error instanceof UsageError || hasCode(error, 'ERR_INVALID_ARG_VALUE') ? EXIT.usage : EXIT.failure
}

function needsPrivileges(error: unknown): boolean {
  return hasCode(error, 'EPERM', 'EACCES')
}
