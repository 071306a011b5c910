// setns: the calling thread moves to another namespace and stays. setns(2), and the seed's order of arguments.
import { isMainThread } from 'node:worker_threads'
import { CLONE } from '../kernel/constants.js'
import { invalidArgument, NsfdError } from '../kernel/errors.js'
import * as syscalls from '../kernel/syscalls.js'
import { kindOf, wrongKind } from './identity.js'
import { beforeFilesChange } from './inside.js'
import { checkKind, ENTER_HELP, KINDS, type Kind } from './kinds.js'
import { Namespace } from './namespace.js'
import { isVisiting, moved, startThreadPool } from './thread.js'

/**
 * Moves the calling thread into a namespace, for good. What this thread does from now on, and threads and processes it
 * starts, are there; other threads, libuv's pool among them, are not. For a moment or a call tree: runSync() and run().
 * pid: only processes started from now on. mnt: only on a Worker.
 * @param fd a Namespace or a descriptor of one
 * @param kind what kind it must be; any, if not given
 * @throws ERR_NSFD_WRONG_KIND, ERR_NSFD_MAIN_THREAD (mnt), ERR_NSFD_SINGLE_THREADED (user, time), EPERM
 * Source: setns(2).
 */
export function setns(fd: Namespace | number, kind?: Kind): void
/** The seed's order: `int setns(unsigned long nstype, int fd)`. */
export function setns(kind: Kind, fd: Namespace | number): void
export function setns(first: Namespace | number | Kind, second?: Namespace | number | Kind): void {
  const seedOrder = typeof first === 'string'
  const target = (seedOrder ? second : first) as Namespace | number
  const expected = (seedOrder ? first : second) as Kind | undefined
  const fd = target instanceof Namespace ? target.fd : checkDescriptor(target)
  const kind = kindOf(fd)
  if (expected !== undefined && checkKind(expected) !== kind) throw wrongKind(`descriptor ${fd}`, expected, kind)
  refuseImpossible(kind)
  startThreadPool()
  if (kind === 'mnt') {
    beforeFilesChange()
    syscalls.unshare(CLONE.CLONE_FS, { kind, asked: 'cannot give this thread its own cwd and root' })
  }
  syscalls.setns(fd, KINDS[kind].flag, { kind, asked: `cannot enter the ${kind} namespace`, next: ENTER_HELP })
  moved(kind)
}

function refuseImpossible(kind: Kind): void {
  const refuse = (code: string, message: string) => new NsfdError(message, { code, kind })
  if (isVisiting())
    throw refuse('ERR_NSFD_VISITING', 'setns() inside runSync() would be undone at its end: call it outside')
  if (KINDS[kind].entering === 'process') {
    throw refuse(
      'ERR_NSFD_SINGLE_THREADED',
      `The kernel lets only a process of one thread enter a ${kind} namespace, and Node has many: start a process inside with spawn()`,
    )
  }
  if (kind === 'mnt' && isMainThread) {
    throw refuse(
      'ERR_NSFD_MAIN_THREAD',
      'setns() of a mnt namespace would give the main thread another root than the threads that do its file work: call it on a Worker',
    )
  }
}

function checkDescriptor(fd: unknown): number {
  if (typeof fd === 'number' && Number.isInteger(fd) && fd >= 0) return fd
  throw invalidArgument('fd', 'must be a Namespace or a descriptor of one', fd)
}
