// Ways to come by a descriptor: a path, a process, a socket. Every descriptor is O_CLOEXEC.
import { constants, fstatSync, readlinkSync } from 'node:fs'
import { FCNTL, SIOCGSKNS } from '../kernel/constants.js'
import { invalidArgument, NsfdError } from '../kernel/errors.js'
import { close, ioctl, isNsfs, isOpen, open, pidfdAlive, pidfdOpen } from '../kernel/syscalls.js'
import { notANamespace } from './identity.js'
import type { Kind } from './kinds.js'

type ErrorContext = Parameters<typeof open>[2]

const PID_MAX = 0x7fffffff

const OPEN_HELP = {
  ENOENT: 'nothing exists at that path; nsfd ls shows what does',
  EACCES: 'run as root',
  EMFILE: 'this process has too many descriptors open: close some, or raise ulimit -n',
}

const PROCESS_HELP = {
  ENOENT: 'it is a zombie or ended meanwhile, and holds no namespaces any more',
  EACCES: 'it belongs to another user or has more privileges: run as root (CAP_SYS_PTRACE over that process)',
  EPERM: 'it belongs to another user or has more privileges: run as root (CAP_SYS_PTRACE over that process)',
}

/** Opens a path, refusing anything but an nsfs file before it is really opened: a FIFO or a device is never touched. */
export function openPath(path: string): number {
  const handle = open(checkPath(path), FCNTL.O_PATH, { asked: `cannot open the namespace '${path}'`, next: OPEN_HELP })
  try {
    if (!isNsfs(handle)) throw notANamespace(`'${path}'`)
    return open(`/proc/self/fd/${handle}`, constants.O_RDONLY, {
      asked: `cannot open the namespace '${path}'`,
      next: OPEN_HELP,
    })
  } finally {
    close(handle)
  }
}

/** Opens /proc/<pid>/ns/<kind>, and makes sure by pidfd that it was that process's from beginning to end. */
export function openOfProcess(pid: number, kind: Kind): { fd: number; rootFd: number | undefined } {
  checkPid(pid)
  const asked = `cannot open the ${kind} namespace of process ${pid}`
  const pidfd = pidfdOpen(pid, {
    kind,
    asked,
    next: {
      ESRCH: 'no process has that pid',
      EINVAL: 'that is the id of a thread, not of a process: see Tgid in /proc/<tid>/status',
      ENOENT: 'that is the id of a thread, not of a process: see Tgid in /proc/<tid>/status',
    },
  })
  try {
    const fd = open(`/proc/${pid}/ns/${kind}`, constants.O_RDONLY, { kind, asked, next: PROCESS_HELP })
    const rootFd = kind === 'net' ? openOtherRoot(pid, { kind, asked, next: PROCESS_HELP }, fd) : undefined
    if (pidfdAlive(pidfd)) return { fd, rootFd }
    close(fd)
    if (rootFd !== undefined) close(rootFd)
    throw new NsfdError(`ESRCH: ${asked}: it ended meanwhile`, { code: 'ESRCH', errno: -3, syscall: 'open', kind })
  } finally {
    close(pidfd)
  }
}

/** The root directory of a process in a mount namespace other than ours; its /etc belongs to its network. */
function openOtherRoot(pid: number, context: ErrorContext, alreadyOpen: number): number | undefined {
  try {
    if (readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync('/proc/thread-self/ns/mnt')) return undefined
    return open(`/proc/${pid}/root`, FCNTL.O_PATH | constants.O_DIRECTORY, context)
  } catch (error) {
    close(alreadyOpen)
    throw error
  }
}

/** SIOCGSKNS: the network namespace a socket lives in. */
export function openOfSocket(fd: number): number {
  if (!Number.isInteger(fd) || fd < 0) throw invalidArgument('fd', 'must be the descriptor of a socket', fd)
  if (!isOpen(fd))
    throw new NsfdError(`EBADF: descriptor ${fd} is not open`, { code: 'EBADF', errno: -9, syscall: 'ioctl' })
  if (!fstatSync(fd).isSocket()) {
    throw new NsfdError(`ENOTSOCK: descriptor ${fd} is not a socket`, {
      code: 'ENOTSOCK',
      errno: -88,
      syscall: 'ioctl',
    })
  }
  return ioctl(fd, SIOCGSKNS, null, {
    kind: 'net',
    asked: `cannot tell the network namespace of socket ${fd}`,
    next: { EPERM: "it needs CAP_NET_ADMIN over that namespace's user namespace", ENOTTY: 'needs Linux 4.9' },
  })
}

export function checkPid(pid: unknown): number {
  if (typeof pid === 'number' && Number.isInteger(pid) && pid > 0 && pid <= PID_MAX) return pid
  throw invalidArgument('pid', 'must be a process id, a whole number above 0', pid)
}

function checkPath(path: unknown): string {
  if (typeof path !== 'string' || path === '')
    throw invalidArgument('path', 'must be the path of a namespace file', path)
  if (path.includes('\0')) throw invalidArgument('path', 'must not contain NUL', path)
  return path
}
