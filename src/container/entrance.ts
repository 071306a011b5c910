// The way into a target, as system calls in order: cgroups, namespaces, root, identity, privileges, directory, command.
//
// Why this order. Cgroups and limits need the host's view and privileges. Namespaces that another user namespace owns
// need ours, so the user namespace comes last if we have privileges, and first if we get them only by entering it.
// Everything of ours is closed before privileges shrink to the container's, because from then on the container's
// processes may look at this one. The working directory is looked up last, as the user, and never through a link of
// /proc that could lead to something of ours (CVE-2024-21626).
import { constants } from 'node:fs'
import { FCNTL, PRCTL, RESOLVE } from '../kernel/constants.js'
import type { Step } from '../kernel/program.js'
import { openHow } from '../kernel/syscalls.js'
import type { Kind } from '../namespace/kinds.js'
import type { Limit } from './facts.js'

export type Entrance = {
  /** How many descriptors the command shall have, from 0. */
  stdio: number
  /** Numbers among them that shall be closed. */
  gaps: readonly number[]
  /** Entered in this order, by setns; pid is not among them: the child is born there. */
  namespaces: readonly { kind: Kind; fd: number }[]
  /** The root directory to live in, if the mount namespace is entered. */
  rootFd: number | undefined
  cgroupFiles: readonly string[]
  limits: readonly Limit[]
  identity: { uid: number; gid: number; groups: readonly number[] } | undefined
  /** Capabilities that stay possible, as bits; undefined: those we have. */
  capabilities: bigint | undefined
  noNewPrivileges: boolean
  umask: number | undefined
  /** Looked up over there. Required: fail if it cannot be; otherwise stay at the root. */
  directory: { path: string; required: boolean } | undefined
  /** A terminal to be controlled by: the number of a descriptor of it among stdio. */
  terminal: number | undefined
  command: string
  argv: readonly string[]
  env: Readonly<Record<string, string>>
}

const ALL = 0xffffffff
const TIOCSCTTY = 0x540e
const CAP_LAST = 63
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Descriptors that the program is given behind the command's own: where to report, the namespaces, the root. */
export function inheritedBy(entrance: Entrance): number[] {
  const fds = entrance.namespaces.map(({ fd }) => fd)
  return entrance.rootFd === undefined ? fds : [...fds, entrance.rootFd]
}

/** The number of the descriptor that the report is written to, in the child. */
export function reportFd(entrance: Entrance): number {
  return entrance.stdio
}

export function stepsInto(entrance: Entrance): Step[] {
  return [
    ...hide(entrance),
    ...fillGaps(entrance),
    ...joinCgroups(entrance),
    ...takeLimits(entrance.limits),
    ...enter(entrance),
    ...forgetOurs(entrance),
    ...takeIdentity(entrance),
    ...takeDirectory(entrance),
    ...takeTerminal(entrance),
    ...execute(entrance),
  ]
}

/** Filled for now: numbers of descriptors are counted on below. */
function fillGaps({ gaps }: Entrance): Step[] {
  return gaps.map(() => ({ call: 'openat', args: [FCNTL.AT_FDCWD, '/dev/null', FCNTL.O_CLOEXEC, 0] }))
}

/** Not even those with equal privileges may look into this process; exec makes the command visible again. */
function hide(entrance: Entrance): Step[] {
  return [
    { call: 'fcntl', args: [reportFd(entrance), FCNTL.F_SETFD, FCNTL.FD_CLOEXEC] },
    { call: 'prctl', args: [PRCTL.PR_SET_DUMPABLE, 0, 0, 0, 0] },
  ]
}

/** A free descriptor is always the lowest one, so its number is known before it is opened. */
function joinCgroups(entrance: Entrance): Step[] {
  const free = reportFd(entrance) + 1 + inheritedBy(entrance).length
  return entrance.cgroupFiles.flatMap((file): Step[] => {
    const purpose = `join the cgroup of ${file}`
    return [
      { call: 'openat', args: [FCNTL.AT_FDCWD, file, constants.O_WRONLY | FCNTL.O_CLOEXEC, 0], purpose },
      { call: 'write', args: [free, '0', 1], purpose },
      { call: 'close', args: [free] },
    ]
  })
}

/** A limit above our own needs CAP_SYS_RESOURCE; without it, ours stays. */
function takeLimits(limits: readonly Limit[]): Step[] {
  return limits.map(({ resource, soft, hard }) => {
    const pair = Buffer.alloc(16)
    pair.writeBigUInt64LE(soft, 0)
    pair.writeBigUInt64LE(hard, 8)
    return { call: 'prlimit64', args: [0, resource, pair, 0], tolerates: ['EPERM'], purpose: 'take its limits' }
  })
}

function enter(entrance: Entrance): Step[] {
  const first = reportFd(entrance) + 1
  const steps: Step[] = []
  const intoRoot: Step[] = [
    { call: 'fchdir', args: [first + entrance.namespaces.length], purpose: 'change to its root directory' },
    { call: 'chroot', args: ['.'], purpose: 'take its root directory' },
  ]
  for (const [index, { kind }] of entrance.namespaces.entries()) {
    steps.push({ call: 'setns', args: [first + index, 0], purpose: `enter its ${kind} namespace` })
    // Once in its mount namespace, while we may still call chroot.
    if (kind === 'mnt' && entrance.rootFd !== undefined) steps.push(...intoRoot)
  }
  if (entrance.rootFd !== undefined && !entrance.namespaces.some(({ kind }) => kind === 'mnt')) steps.push(...intoRoot)
  return steps
}

/** Kernels before 5.9 have no close_range; nothing but the report is open across exec there either (O_CLOEXEC). */
function forgetOurs(entrance: Entrance): Step[] {
  const first = reportFd(entrance) + 1
  const closing: Step[] = inheritedBy(entrance).map((_, index) => ({ call: 'close', args: [first + index] }))
  return [...closing, { call: 'close_range', args: [first, ALL, 0], tolerates: ['ENOSYS'] }]
}

function takeIdentity({ identity, capabilities, noNewPrivileges, umask }: Entrance): Step[] {
  const steps: Step[] = []
  if (capabilities !== undefined) {
    for (let bit = 0; bit <= CAP_LAST; bit++) {
      if ((capabilities >> BigInt(bit)) & 1n) continue
      // EINVAL: this kernel has no capability of that number.
      const tolerates = ['EINVAL'] as const
      steps.push({ call: 'prctl', args: [PRCTL.PR_CAPBSET_DROP, bit, 0, 0, 0], tolerates, purpose: 'drop privileges' })
    }
    const clear = [PRCTL.PR_CAP_AMBIENT, PRCTL.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]
    steps.push({ call: 'prctl', args: clear, tolerates: ['EINVAL'], purpose: 'drop privileges' })
  }
  if (identity !== undefined) {
    const { uid, gid, groups } = identity
    const list = Buffer.alloc(Math.max(4, 4 * groups.length))
    for (const [index, group] of groups.entries()) list.writeUInt32LE(group, 4 * index)
    // EPERM: a user namespace made without privileges denies setgroups, and has only groups that everybody there has.
    steps.push({ call: 'setgroups', args: [groups.length, list], tolerates: ['EPERM'] })
    steps.push({ call: 'setresgid', args: [gid, gid, gid], purpose: `become group ${gid}` })
    steps.push({ call: 'setresuid', args: [uid, uid, uid], purpose: `become user ${uid}` })
  }
  if (capabilities !== undefined) {
    const kept = identity !== undefined && identity.uid !== 0 ? 0n : capabilities
    steps.push({ call: 'capset', args: [capabilityHeader(), capabilityData(kept)], purpose: 'drop privileges' })
  }
  if (noNewPrivileges) {
    steps.push({ call: 'prctl', args: [PRCTL.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], purpose: 'renounce new privileges' })
  }
  if (umask !== undefined) steps.push({ call: 'umask', args: [umask] })
  return steps
}

/** struct __user_cap_header_struct: _LINUX_CAPABILITY_VERSION_3, and pid 0 for the caller. */
function capabilityHeader(): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(0x20080522, 0)
  return header
}

/** struct __user_cap_data_struct[2]: effective, permitted, inheritable, low halves before high halves. */
function capabilityData(kept: bigint): Buffer {
  const data = Buffer.alloc(24)
  for (const half of [0, 1]) {
    const bits = Number(BigInt.asUintN(32, kept >> BigInt(32 * half)))
    data.writeUInt32LE(bits, 12 * half)
    data.writeUInt32LE(bits, 12 * half + 4)
  }
  return data
}

function takeDirectory(entrance: Entrance): Step[] {
  if (entrance.directory === undefined) return []
  const { path, required } = entrance.directory
  const free = reportFd(entrance) + 1
  const how = openHow(FCNTL.O_PATH | constants.O_DIRECTORY, RESOLVE.RESOLVE_NO_MAGICLINKS)
  const tolerates = required ? [] : 'all'
  const purpose = `change to the directory '${path}' over there`
  return [
    { call: 'openat2', args: [FCNTL.AT_FDCWD, path, how, how.length], tolerates, purpose },
    { call: 'fchdir', args: [free], tolerates, purpose },
    { call: 'close', args: [free], tolerates },
  ]
}

/** The child leads a session of its own (detached), so that this terminal and no other is the one it can control. */
function takeTerminal({ terminal }: Entrance): Step[] {
  if (terminal === undefined) return []
  return [{ call: 'ioctl', args: [terminal, TIOCSCTTY, 0], purpose: 'take its terminal' }]
}

function execute({ command, argv, env }: Entrance): Step[] {
  const list = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const purpose = `run '${command}' over there`
  return candidates(command, env.PATH ?? DEFAULT_PATH).map((path) => ({
    call: 'execve',
    args: [path, argv, list],
    tolerates: ['ENOENT', 'ENOTDIR'],
    purpose,
  }))
}

function candidates(command: string, path: string): string[] {
  if (command.includes('/')) return [command]
  return path.split(':').map((directory) => `${directory === '' ? '.' : directory}/${command}`)
}
