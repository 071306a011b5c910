// System calls with JavaScript manners: -1 becomes an error, results come back as values.
import { writeSync } from 'node:fs'
import { FCNTL, MEMFD, NSFS_MAGIC } from './constants.js'
import { errnoOf, type SystemErrorContext, systemError } from './errors.js'
import { errno, libc } from './libc.js'

type Context = Omit<SystemErrorContext, 'syscall'>

function checked(result: number, syscall: string, context: Context = {}): number {
  if (result === -1) throw systemError(errno(), { syscall, ...context })
  return result
}

/**
 * open(2), always O_CLOEXEC. Not Node's own open: on a Worker Node closes what it opened when the Worker ends, by number,
 * and our descriptors may outlive it. What is opened here is closed by close() here.
 */
export function open(path: string, flags: number, context?: Context & { mode?: number }): number {
  return checked(libc().open(path, flags | FCNTL.O_CLOEXEC, context?.mode ?? 0), 'open', { path, ...context })
}

/** struct open_how { __u64 flags; __u64 mode; __u64 resolve; } of <linux/openat2.h> */
const OPEN_HOW_SIZE = 24

/** struct open_how as bytes. */
export function openHow(flags: number, resolve: number, mode = 0): Buffer {
  const how = Buffer.alloc(OPEN_HOW_SIZE)
  how.writeBigUInt64LE(BigInt(flags | FCNTL.O_CLOEXEC), 0)
  how.writeBigUInt64LE(BigInt(mode), 8)
  how.writeBigUInt64LE(BigInt(resolve), 16)
  return how
}

/** openat2(2) below the directory dirfd, always O_CLOEXEC; resolve is made of RESOLVE flags. Closed by close() here. */
export function openBelow(
  dirfd: number,
  path: string,
  flags: number,
  resolve: number,
  context?: Context & { mode?: number },
): number {
  const how = openHow(flags, resolve, context?.mode)
  return checked(libc().openat2(dirfd, path, how, OPEN_HOW_SIZE), 'openat2', { path, ...context })
}

/** setns(2): moves the calling thread. */
export function setns(fd: number, nstype: number, context?: Context): void {
  checked(libc().setns(fd, nstype), 'setns', context)
}

/** unshare(2): gives the calling thread namespaces of its own. */
export function unshare(flags: number, context?: Context): void {
  checked(libc().unshare(flags), 'unshare', context)
}

/** CPU_SETSIZE of <sched.h>: how many CPUs a cpu_set_t knows. */
export const CPU_SETSIZE = 1024

/** sched_setaffinity(2): the calling thread runs on this CPU only, from now on. False where it may not, or there is none. */
export function runOnCpu(cpu: number): boolean {
  const mask = Buffer.alloc(CPU_SETSIZE / 8)
  mask[cpu >> 3] = 1 << (cpu & 7)
  return libc().sched_setaffinity(0, mask.length, mask) !== -1
}

/** close(2). */
export function close(fd: number): void {
  checked(libc().close(fd), 'close')
}

/** ioctl(2) that answers with a number or a descriptor. */
export function ioctl(fd: number, request: number, argument: Buffer | null, context?: Context): number {
  return checked(libc().ioctl(fd, request, argument), 'ioctl', context)
}

/** fcntl(2) F_DUPFD_CLOEXEC: a second descriptor of the same file, not inherited by children. */
export function duplicate(fd: number, context?: Context): number {
  return checked(libc().fcntl(fd, FCNTL.F_DUPFD_CLOEXEC, 0), 'fcntl', context)
}

/** fcntl(2) F_SETFD FD_CLOEXEC: children do not inherit it. */
export function setCloseOnExec(fd: number): void {
  checked(libc().fcntl(fd, FCNTL.F_SETFD, FCNTL.FD_CLOEXEC), 'fcntl')
}

/** fcntl(2) F_SETFD 0: a program that this process becomes keeps it. False where it is not open. */
export function keepOnExec(fd: number): boolean {
  return libc().fcntl(fd, FCNTL.F_SETFD, 0) !== -1
}

/** Whether a number is an open descriptor, by fcntl(2) F_GETFD. */
export function isOpen(fd: number): boolean {
  return libc().fcntl(fd, FCNTL.F_GETFD, 0) !== -1
}

/** Whether a descriptor belongs to nsfs, by fstatfs(2); asked before any ioctl touches it. */
export function isNsfs(fd: number): boolean {
  const statfs = Buffer.alloc(256)
  checked(libc().fstatfs(fd, statfs), 'fstatfs')
  return Number(statfs.readBigInt64LE(0)) === NSFS_MAGIC
}

/** flock(2) without waiting: false where another open file holds the lock. */
export function tryLock(fd: number, context?: Context): boolean {
  if (libc().flock(fd, FCNTL.LOCK_EX | FCNTL.LOCK_NB) !== -1) return true
  if (errno() === errnoOf('EWOULDBLOCK')) return false
  throw systemError(errno(), { syscall: 'flock', ...context })
}

/** mount(2). */
export function mount(source: string, target: string, type: string, flags: number, context?: Context): void {
  checked(libc().mount(source, target, type, flags, null), 'mount', { path: target, ...context })
}

/** umount2(2): false where target is no mount point. */
export function unmount(target: string, flags: number, context?: Context): boolean {
  if (libc().umount2(target, flags) !== -1) return true
  if (errno() === errnoOf('EINVAL')) return false
  throw systemError(errno(), { syscall: 'umount2', path: target, ...context })
}

/** pidfd_open(2): a descriptor of a process, which no other process can take over. */
export function pidfdOpen(pid: number, context?: Context): number {
  return checked(libc().pidfd_open(pid, 0), 'pidfd_open', context)
}

/** pidfd_send_signal(2): a signal that reaches no other process, whatever became of the pid. */
export function pidfdSendSignal(pidfd: number, signal: number, context?: Context): void {
  checked(libc().pidfd_send_signal(pidfd, signal, 0, 0), 'pidfd_send_signal', context)
}

/** pidfd_send_signal(2) with signal 0: whether the process still exists (a zombie does). */
export function pidfdAlive(pidfd: number): boolean {
  if (libc().pidfd_send_signal(pidfd, 0, 0, 0) !== -1) return true
  return errno() !== errnoOf('ESRCH')
}

/** pipe2(2), both ends O_CLOEXEC. */
export function pipe(): { read: number; write: number } {
  const fds = [0, 0]
  checked(libc().pipe2(fds, FCNTL.O_CLOEXEC), 'pipe2')
  return { read: fds[0] as number, write: fds[1] as number }
}

/**
 * Makes sure that so many descriptors can be opened, by opening and closing them: for what fails badly in the middle.
 * @throws EMFILE, ENFILE
 */
export function requireDescriptors(count: number, context?: Context): void {
  const opened: number[] = []
  try {
    const { read, write } = pipe()
    opened.push(read, write)
    while (opened.length < count) opened.push(duplicate(read, context))
  } finally {
    for (const fd of opened) close(fd)
  }
}

/**
 * A file in memory that nobody can change any more, ready to be executed. memfd_create(2), F_ADD_SEALS of fcntl(2).
 * @param above the descriptor's number is at least this
 */
export function sealedFile(bytes: Uint8Array, above: number, context?: Context): number {
  // Linux 6.3 wants to be told that it is to be executed; older kernels do not know the flag.
  const flags = MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING
  let first = libc().memfd_create('nsfd', flags | MEMFD.MFD_EXEC)
  if (first === -1 && errno() === errnoOf('EINVAL')) first = libc().memfd_create('nsfd', flags)
  checked(first, 'memfd_create', context)
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(first, bytes, written)
    checked(libc().fcntl(first, FCNTL.F_ADD_SEALS, MEMFD.F_SEAL_ALL), 'fcntl', context)
    return checked(libc().fcntl(first, FCNTL.F_DUPFD_CLOEXEC, above), 'fcntl', context)
  } finally {
    close(first)
  }
}
