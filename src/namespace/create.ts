// New namespaces, each made where the kernel can make it soundly. unshare(2).
import { constants, readSync } from 'node:fs'
import { NsfdError, systemError } from '../kernel/errors.js'
import { require } from '../kernel/require.js'
import { close, open, pipe, requireDescriptors } from '../kernel/syscalls.js'
import { CREATE_HELP, checkKind, KINDS, type Kind } from './kinds.js'
import { openOfProcess } from './open.js'
import { visitNew } from './thread.js'
import { type MadeOnThread, makeOnThrowawayThread } from './throwaway.js'

/** Makes a namespace and returns a descriptor, the only thing that holds it. */
export function createNamespace(kind: Kind): number {
  const make = MAKERS[checkKind(kind)]
  return make(kind)
}

const onThisThread = (kind: Kind) =>
  visitNew(kind as 'net' | 'uts' | 'ipc' | 'cgroup', () => open(`/proc/thread-self/ns/${kind}`, constants.O_RDONLY))

const onItsOwnThread = (made: MadeOnThread) => (kind: Kind) => {
  const { fd, errno, syscall } = makeOnThrowawayThread(made)
  if (errno === 0) return fd
  throw systemError(errno, { syscall, kind, asked: `cannot create a ${kind} namespace`, next: CREATE_HELP })
}

const MAKERS: Record<Kind, (kind: Kind) => number> = {
  net: onThisThread,
  uts: onThisThread,
  ipc: onThisThread,
  cgroup: onThisThread,
  // Mounts inside must not reach the outside: private, as unshare(1) makes them.
  mnt: onItsOwnThread({ flag: KINDS.mnt.flag, file: 'mnt', privateMounts: true }),
  // unshare(CLONE_NEWTIME) leaves the thread where it is; the new namespace is its children's.
  time: onItsOwnThread({ flag: KINDS.time.flag, file: 'time_for_children', privateMounts: false }),
  user: createUserNamespace,
  pid: refusePidNamespace,
}

/** Two pipes, what Node's spawn opens for itself, and the namespace. */
const HELPER_DESCRIPTORS = 12

/**
 * A process with threads may not unshare its user namespace, so a helper of one thread does (unshare(1)), and lives
 * until its namespace has been opened. Root inside is whoever called: without a process inside, nobody could map it later.
 */
function createUserNamespace(kind: Kind): number {
  const { spawn } = require('node:child_process') as typeof import('node:child_process')
  requireDescriptors(HELPER_DESCRIPTORS, { kind, asked: 'cannot start the helper that makes a user namespace' })
  const lifetime = pipe()
  const ready = pipe()
  try {
    const helper = spawn('unshare', ['--user', '--map-root-user', '--', 'sh', '-c', 'echo && read -r until_closed'], {
      stdio: [lifetime.read, ready.write, ready.write],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      cwd: '/',
    })
    helper.on('error', () => {}) // a failed start is told below, by its missing pid
    helper.unref()
    close(ready.write)
    ready.write = -1
    const answer = readLine(ready.read)
    if (helper.pid !== undefined && answer === '') return openOfProcess(helper.pid, 'user').fd
    const why = helper.pid === undefined ? 'unshare(1) of util-linux could not be started' : answer
    throw new NsfdError(`EPERM: cannot create a user namespace: ${why}; see nsfd doctor`, {
      code: 'EPERM',
      syscall: 'unshare',
      kind,
    })
  } finally {
    for (const fd of [lifetime.read, lifetime.write, ready.read, ready.write]) if (fd !== -1) close(fd)
  }
}

function readLine(fd: number): string {
  const bytes = Buffer.alloc(512)
  const length = readSync(fd, bytes)
  return length === 0 ? 'it ended without a word' : bytes.toString('utf8', 0, length).trim()
}

function refusePidNamespace(kind: Kind): never {
  throw new NsfdError(
    'A pid namespace cannot be created alone: it lives and dies with its first process (its init), and when that has died no process can join. Start the first process with spawn(), or open the pid namespace of a process that runs',
    { code: 'ERR_NSFD_NEEDS_INIT', kind },
  )
}
