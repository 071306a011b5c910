// Errors of Node's shape: code, errno, syscall, and what they were about.
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

export type ErrorDetails = {
  code: string
  errno?: number | undefined
  syscall?: string | undefined
  path?: string | undefined
  kind?: string | undefined
  cause?: unknown
}

/** Every error nsfd raises about the system or about what it was asked. */
export class NsfdError extends Error {
  /** 'EPERM' and the like from the kernel, 'ERR_…' for what nsfd itself refuses. */
  readonly code: string
  /** The negated errno, as in Node's own system errors. */
  readonly errno?: number
  /** The system call that failed. */
  readonly syscall?: string
  readonly path?: string
  /** The kind of namespace it was about. */
  readonly kind?: string

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'NsfdError'
    this.code = details.code
    if (details.errno !== undefined) this.errno = details.errno
    if (details.syscall !== undefined) this.syscall = details.syscall
    if (details.path !== undefined) this.path = details.path
    if (details.kind !== undefined) this.kind = details.kind
  }
}

export type SystemErrorContext = {
  syscall: string
  path?: string | undefined
  kind?: string | undefined
  /** What was asked, as the beginning of a sentence: "cannot enter net:[4026532177]". */
  asked?: string | undefined
  /** What to try next, by errno name. */
  next?: Partial<Record<string, string>> | undefined
}

/** Turns an errno into an error that says what was asked, why it was refused and what to try next. */
export function systemError(errnoValue: number, context: SystemErrorContext): NsfdError {
  const [code, reason] = getSystemErrorMap().get(-errnoValue) ?? [nameOf(errnoValue), `errno ${errnoValue}`]
  const asked = context.asked ?? context.syscall
  const about = context.path === undefined ? '' : ` '${context.path}'`
  const next = context.next?.[code]
  const message = `${code}: ${reason}, ${context.syscall}${about}: ${asked}${next ? `; ${next}` : ''}`
  const { syscall, path, kind } = context
  return new NsfdError(message, { code, errno: -errnoValue, syscall, path, kind })
}

/** Node's error for what its AbortSignal ended: name AbortError, code ABORT_ERR, and the signal's reason as cause. */
export function abortError(signal: AbortSignal): NsfdError {
  const error = new NsfdError('The operation was aborted', { code: 'ABORT_ERR', cause: signal.reason })
  error.name = 'AbortError'
  return error
}

/** The error for an argument no system call should ever see. */
export function invalidArgument(name: string, requirement: string, received: unknown): NsfdError {
  return new NsfdError(`The argument ${name} ${requirement}; received ${show(received)}`, {
    code: 'ERR_INVALID_ARG_VALUE',
  })
}

/** True for an error, ours or Node's, with this code. */
export function hasCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')
}

/** The number of an errno name on this architecture. */
export function errnoOf(code: keyof typeof constants.errno): number {
  return constants.errno[code]
}

/** libuv names only the errnos it meets itself; ESTALE and EBADMSG, for example, it does not. */
function nameOf(errnoValue: number): string {
  const known = Object.entries(constants.errno).find(([, number]) => number === errnoValue)
  return known?.[0] ?? `E${errnoValue}`
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor?.name ?? 'Object'}`
  if (typeof value === 'function') return `function ${value.name}`
  return String(value)
}
