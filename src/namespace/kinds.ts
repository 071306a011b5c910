// The eight kinds of namespace, and what the kernel lets a thread do with each. namespaces(7).
import { CLONE } from '../kernel/constants.js'
import { invalidArgument } from '../kernel/errors.js'

/** A kind of namespace, by the name of its file under /proc/<pid>/ns. */
export type Kind = 'net' | 'uts' | 'ipc' | 'mnt' | 'pid' | 'user' | 'cgroup' | 'time'

/** Kinds that one thread of a Node process can visit and come back from. */
export type VisitableKind = 'net' | 'uts' | 'ipc' | 'cgroup' | 'pid'

/**
 * thread: setns(2) moves one thread, any time. children: it moves the processes that thread starts next.
 * own-thread: it needs a thread that shares no cwd and root with the others. process: it needs a process of one thread.
 */
export type Entering = 'thread' | 'children' | 'own-thread' | 'process'

export type KindFacts = { flag: number; entering: Entering; directory: string }

export const KINDS: { readonly [K in Kind]: KindFacts } = {
  net: { flag: CLONE.CLONE_NEWNET, entering: 'thread', directory: '/run/netns' },
  uts: { flag: CLONE.CLONE_NEWUTS, entering: 'thread', directory: '/run/utsns' },
  ipc: { flag: CLONE.CLONE_NEWIPC, entering: 'thread', directory: '/run/ipcns' },
  mnt: { flag: CLONE.CLONE_NEWNS, entering: 'own-thread', directory: '/run/mntns' },
  pid: { flag: CLONE.CLONE_NEWPID, entering: 'children', directory: '/run/pidns' },
  user: { flag: CLONE.CLONE_NEWUSER, entering: 'process', directory: '/run/userns' },
  cgroup: { flag: CLONE.CLONE_NEWCGROUP, entering: 'thread', directory: '/run/cgroupns' },
  time: { flag: CLONE.CLONE_NEWTIME, entering: 'process', directory: '/run/timens' },
}

export const KIND_NAMES = Object.keys(KINDS) as Kind[]

export function checkKind(kind: unknown): Kind {
  if (typeof kind === 'string' && Object.hasOwn(KINDS, kind)) return kind as Kind
  throw invalidArgument('kind', `must be one of ${KIND_NAMES.join(', ')}`, kind)
}

export function kindOfFlag(flag: number): Kind | undefined {
  return KIND_NAMES.find((kind) => KINDS[kind].flag === flag)
}

export function isVisitable(kind: Kind): kind is VisitableKind {
  return KINDS[kind].entering === 'thread' || KINDS[kind].entering === 'children'
}

/** What to try when the kernel refuses to let a thread into a namespace. */
export const ENTER_HELP = {
  EPERM:
    'it needs CAP_SYS_ADMIN over the user namespace that owns it, over the one that owns where you are (to come back), and over your own: run as root, or inside a user namespace of your own (nsfd --rootless …)',
  EINVAL: 'the descriptor is of another kind, or this process may not enter that kind',
  EUSERS: 'only a process with a single thread may enter it: start a process inside with spawn()',
} as const

/** What to try when the kernel refuses to make a namespace. */
export const CREATE_HELP = {
  EPERM: 'creating it needs CAP_SYS_ADMIN: run as root, or inside a user namespace of your own (nsfd --rootless …)',
  ENOSPC: 'a limit of /proc/sys/user/max_*_namespaces is reached: close namespaces or raise the limit',
  EINVAL: 'this kernel was built without this kind of namespace: see nsfd doctor',
  ENOMEM: 'the kernel is out of memory for it',
} as const

/** What to try when a thread that left could not come back. */
export const RETURN_HELP = {
  EPERM:
    'it needs CAP_SYS_ADMIN, also over the user namespace that owns where this thread is, or it could not come back: run as root, or inside a user namespace with a namespace of that kind of its own (nsfd --rootless …)',
} as const
