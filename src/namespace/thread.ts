// Where the calling thread is, and the only way it goes elsewhere and comes back. One module state a thread.
import { closeSync, constants, openSync, stat, writeSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { systemError } from '../kernel/errors.js'
import { errno, libc } from '../kernel/libc.js'
import { unshare } from '../kernel/syscalls.js'
import { CREATE_HELP, ENTER_HELP, KINDS, type Kind, RETURN_HELP, type VisitableKind } from './kinds.js'

/**
 * A descriptor of the namespace this thread is in now, a kind; opened when first needed. By Node's own open, so that
 * Node closes it when this thread is a Worker and ends, however it ends.
 */
const place: Partial<Record<VisitableKind, number>> = {}
/** By kind, the errno that coming back to `place` would meet. */
const wayBack: Partial<Record<VisitableKind, number>> = {}
/** What place was before this thread went away, while it is away. Never deleted from: socketat is measured on it. */
const left: { [K in VisitableKind]?: number | undefined } = {}
let visits = 0

/** A descriptor of the namespace the calling thread is in. Owned by this file: never close it. */
export function whereabouts(kind: VisitableKind): number {
  const known = place[kind]
  if (known !== undefined) return known
  startThreadPool()
  const fd = openSync(`/proc/thread-self/ns/${kind === 'pid' ? 'pid_for_children' : kind}`, constants.O_RDONLY)
  place[kind] = fd
  wayBack[kind] = tryComingBack(kind, fd)
  return fd
}

/**
 * The errno with which the kernel would refuse this thread's return, 0 if it would not. Root of a user namespace may make
 * a namespace, and then not come home, where home belongs to an outer user namespace: asked before the first leaving.
 */
function tryComingBack(kind: VisitableKind, home: number): number {
  return libc().setns(home, KINDS[kind].flag) === -1 ? errno() : 0
}

/** While this thread is away: a descriptor of where it left from, and will be in the end. */
export function homeOf(kind: VisitableKind): number | undefined {
  return left[kind]
}

/** Whether this thread is away: inside runSync, or inside a bracketed call. */
export function isVisiting(): boolean {
  return visits > 0
}

/** Moves the calling thread, whose whereabouts() are known, into fd's namespace; 0, or the errno if it has not moved. */
export function goTo(kind: VisitableKind, fd: number): number {
  const noWayBack = wayBack[kind] ?? 0
  if (noWayBack !== 0) return noWayBack
  if (libc().setns(fd, KINDS[kind].flag) === -1) return errno()
  const from = place[kind]
  if (left[kind] === undefined && from !== undefined) left[kind] = from
  place[kind] = fd
  visits++
  return 0
}

/** Brings the calling thread back to `from`. If the kernel refuses, the process ends: see failStop. */
export function goBack(kind: VisitableKind, from: number): void {
  if (libc().setns(from, KINDS[kind].flag) === -1) failStop(kind, from)
  place[kind] = from
  if (left[kind] === from) left[kind] = undefined
  visits--
}

/** Runs work with the calling thread inside fd's namespace, and brings it back however work ends. */
export function visit<T>(kind: VisitableKind, fd: number, work: () => T, asked?: string): T {
  const from = whereabouts(kind)
  if (from === fd) return work()
  const refused = goTo(kind, fd)
  if (refused !== 0) throw systemError(refused, { syscall: 'setns', kind, asked, next: ENTER_HELP })
  try {
    return work()
  } finally {
    goBack(kind, from)
  }
}

/** Makes a new namespace on the calling thread, opens it with `open`, and brings the thread back. */
export function visitNew<T>(kind: VisitableKind, open: () => T): T {
  const from = whereabouts(kind)
  const asked = `cannot create a ${kind} namespace`
  const noWayBack = wayBack[kind] ?? 0
  if (noWayBack !== 0) throw systemError(noWayBack, { syscall: 'setns', kind, asked, next: RETURN_HELP })
  unshare(KINDS[kind].flag, { kind, asked, next: CREATE_HELP })
  visits++
  try {
    return open()
  } finally {
    goBack(kind, from)
  }
}

/** Forgets where this thread was: it has moved for good, and the next question asks the kernel again. */
export function moved(kind: Kind): void {
  const known = place[kind as VisitableKind]
  delete place[kind as VisitableKind]
  delete wayBack[kind as VisitableKind]
  if (known !== undefined) closeSync(known)
}

/**
 * libuv starts its pool at the first asynchronous file operation; threads are born in the namespaces of the thread
 * that starts them and stay there. So the pool is started while this thread is still at home.
 */
export function startThreadPool(): void {
  if (poolStarted) return
  poolStarted = true
  stat('/', () => {})
}
let poolStarted = false

/**
 * A thread that cannot come home would silently do everything after this in the wrong namespace. Nothing after this
 * can be trusted, so nothing comes after it. (process.abort() does not exist on worker threads; abort(3) does.)
 */
function failStop(kind: Kind, from: number): never {
  const reason = getSystemErrorName(-errno())
  const line = `nsfd: FATAL: this thread cannot return to its ${kind} namespace (setns(${from}): ${reason}). Aborting, because going on would use the wrong namespace.\n`
  try {
    writeSync(2, line)
  } catch {
    // stderr is gone; aborting matters more than being heard.
  }
  return libc().abort()
}
