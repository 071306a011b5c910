// spawn and execIn: a command inside a target. Decides what is entered and as whom; the entrance says how.
import type { ChildProcess, SpawnOptions as NodeSpawnOptions, StdioOptions } from 'node:child_process'
import { accessSync, constants, fstatSync, statSync } from 'node:fs'
import { naming } from '../context/explicit.js'
import { hasCode, invalidArgument, NsfdError } from '../kernel/errors.js'
import { hasCapability, permittedCapabilities } from '../kernel/privilege.js'
import { checkKind, type Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { cgroupFiles } from './cgroups.js'
import type { Entrance } from './entrance.js'
import type { Identity } from './facts.js'
import { launch } from './launch.js'
import type { Target } from './target.js'

export type TargetSpawnOptions = Omit<NodeSpawnOptions, 'env'> & {
  /** Enter only these kinds. Without 'mnt' the command is one of this machine's. Default: all in which it differs. */
  namespaces?: readonly Kind[]
  /** Default: the container's; this machine's own where the command is. Undefined values are left out. */
  env?: NodeJS.ProcessEnv | undefined
  /** Supplementary groups, if `uid` is given; default: none then, and the target's otherwise. */
  groups?: readonly number[]
  /** Join the target's cgroups. Default: yes where we may, if 'mnt' is entered: device permissions are theirs. */
  cgroup?: boolean
  /** Keep our capabilities, rather than take the target's. A hostile command can then do what we can. Default: false. */
  privileged?: boolean
  /** The command leads a session of its own, controlled by the terminal that is its descriptor 0. */
  terminal?: boolean
}

/** Kinds in the order they are entered: paths are looked up in ours as long as possible. user: see below. */
const ORDER: readonly Kind[] = ['cgroup', 'ipc', 'uts', 'net', 'time', 'mnt']

/**
 * Starts a command inside a target. Like child_process.spawn: pid, kill(), exit code, signal and stdio are the command's
 * own. As user, with groups, limits, capabilities and no_new_privs of the target's process, in its root and cgroups.
 * A command that cannot be started is an 'error' event, and then an exit with 127.
 * Not taken over: a seccomp filter and an AppArmor or SELinux label.
 * @param command a program, by name (looked up in PATH over there) or path
 * @param options those of child_process.spawn, with uid, gid, cwd, shell and env meant over there
 * @throws ERR_NSFD_TARGET_GONE if the target has ended; EPERM where it may not be entered; ERR_INVALID_ARG_VALUE
 * Source: setns(2), capabilities(7), nsenter(1); the seed: "entering an existing container".
 */
export function spawnIn(
  target: Target,
  command: string,
  args: readonly string[] = [],
  options: TargetSpawnOptions = {},
): ChildProcess {
  checkText('command', command)
  if (command === '') throw invalidArgument('command', 'must not be empty', command)
  for (const arg of args) checkText('args', arg)
  target.expectAlive()
  const way = wayInto(target, options)
  const stdio = stdioList(options.stdio)
  const entrance: Entrance = {
    stdio: stdio.length,
    // Node opens /dev/null for the first three, and leaves the others closed.
    gaps: [...stdio.keys()].filter((index) => index > 2 && stdio[index] === 'ignore'),
    namespaces: way.enters.map((each) => ({ kind: each.kind, fd: each.fd })),
    rootFd: way.root,
    cgroupFiles: way.inside ? cgroupsFor(target, options.cgroup) : [],
    limits: way.inside ? (target.facts?.limits ?? []) : [],
    identity: way.inside || options.uid !== undefined ? identityFor(target, way, options) : undefined,
    capabilities: way.inside && !options.privileged ? capabilitiesFor(target, way) : undefined,
    noNewPrivileges: way.inside && !options.privileged && target.facts?.noNewPrivileges === true,
    umask: way.inside ? target.facts?.umask : undefined,
    directory: way.inside ? directoryFor(target, options) : undefined,
    terminal: options.terminal ? 0 : undefined,
    ...commandLine(command, args, options),
    env: environmentFor(target, way, options, stdio),
  }
  const { uid: _1, gid: _2, env: _3, shell: _4, argv0: _5, cwd, ...rest } = options
  const passed = { ...rest, ...(cwd !== undefined && !way.inside && { cwd }), stdio }
  if (options.terminal) passed.detached = true
  return naming(way.kinds, () => launch(entrance, passed, way.birthplace, target))
}

type Way = {
  kinds: Kind[]
  enters: Namespace[]
  birthplace: Namespace | undefined
  /** Whether the command sees the target's files, and so may be hostile. */
  inside: boolean
  root: number | undefined
  entersUser: boolean
  privileged: boolean
}

function wayInto(target: Target, options: TargetSpawnOptions): Way {
  const wanted = options.namespaces?.map(checkKind) ?? [...target.namespaces.keys()]
  const differing = wanted.flatMap((kind) => {
    const theirs = target.namespace(kind)
    using ours = Namespace.current(kind)
    return theirs.equals(ours) ? [] : [theirs]
  })
  const find = (kind: Kind) => differing.find((each) => each.kind === kind)
  const privileged = hasCapability('CAP_SYS_ADMIN')
  const user = find('user')
  const others = ORDER.flatMap((kind) => find(kind) ?? [])
  const inside = wanted.includes('mnt') && target.rootFd !== undefined
  if (!privileged && find('pid') !== undefined) throw pidNeedsPrivileges(target)
  return {
    kinds: wanted,
    enters: user === undefined ? others : privileged ? [...others, user] : [user, ...others],
    birthplace: find('pid'),
    inside,
    root: inside && (find('mnt') !== undefined || !isOurRoot(target.rootFd as number)) ? target.rootFd : undefined,
    entersUser: user !== undefined,
    privileged,
  }
}

function isOurRoot(fd: number): boolean {
  const [theirs, ours] = [fstatSync(fd, { bigint: true }), statSync('/', { bigint: true })]
  return theirs.dev === ours.dev && theirs.ino === ours.ino
}

/** Those that we may write; all of them, or an error inside, if asked for explicitly. */
function cgroupsFor(target: Target, wanted: boolean | undefined): string[] {
  if (wanted === false || target.facts === undefined) return []
  const files = cgroupFiles(target.facts.cgroups)
  return wanted === true ? files : files.filter(mayWrite)
}

function mayWrite(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return true
  } catch (error) {
    // A cgroup that is gone shall be an error when it is joined; one that is not ours to join is left out.
    return !hasCode(error, 'EACCES', 'EPERM', 'EROFS')
  }
}

function identityFor(target: Target, way: Way, options: TargetSpawnOptions): Identity | undefined {
  const theirs = way.entersUser ? target.facts?.inside : target.facts?.outside
  if (options.uid === undefined) {
    if (theirs === undefined) return undefined
    return { ...theirs, ...(options.gid !== undefined && { gid: checkId('gid', options.gid) }) }
  }
  const uid = checkId('uid', options.uid)
  const gid = checkId('gid', options.gid ?? theirs?.gid ?? uid)
  return { uid, gid, groups: (options.groups ?? []).map((each) => checkId('groups', each)) }
}

function checkId(name: string, id: unknown): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 0xffffffff) return id
  throw invalidArgument(`options.${name}`, 'must be an id, a whole number from 0', id)
}

/** Never more than the target's process could have, and in our user namespace never more than we have. */
function capabilitiesFor(target: Target, way: Way): bigint | undefined {
  const theirs = target.facts?.capabilities
  if (theirs === undefined) return undefined
  if (way.entersUser) return theirs
  return way.privileged ? theirs & permittedCapabilities() : undefined
}

function directoryFor(target: Target, { cwd }: TargetSpawnOptions): Entrance['directory'] {
  if (cwd === undefined) {
    return target.workingDirectory === undefined ? undefined : { path: target.workingDirectory, required: false }
  }
  const path = cwd instanceof URL ? cwd.pathname : cwd
  checkText('options.cwd', path)
  return { path, required: true }
}

/** What Node's own `shell` and `argv0` options mean, over there. */
function commandLine(command: string, args: readonly string[], { shell, argv0 }: TargetSpawnOptions) {
  if (shell) {
    const program = typeof shell === 'string' ? shell : '/bin/sh'
    return { command: program, argv: [argv0 ?? program, '-c', [command, ...args].join(' ')] }
  }
  return { command, argv: [argv0 ?? command, ...args] }
}

/** Nothing of ours goes over there by itself; nothing of theirs reaches a command of ours (LD_PRELOAD, PATH). */
function environmentFor(
  target: Target,
  { inside }: Way,
  { env }: TargetSpawnOptions,
  stdio: Stdio,
): Record<string, string> {
  const chosen = env ?? (inside ? target.environment : process.env)
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(chosen)) {
    if (value === undefined) continue
    checkText('options.env', name)
    checkText(`options.env.${name}`, value)
    result[name] = value
  }
  const channel = stdio.indexOf('ipc')
  if (channel !== -1) result.NODE_CHANNEL_FD = String(channel)
  return result
}

type Stdio = Exclude<StdioOptions, string | undefined>

function stdioList(stdio: StdioOptions | undefined): Stdio {
  if (stdio === undefined) return ['pipe', 'pipe', 'pipe']
  if (typeof stdio === 'string') return [stdio, stdio, stdio]
  if (!Array.isArray(stdio)) throw invalidArgument('options.stdio', 'must be a word or an array', stdio)
  const list = [...stdio]
  while (list.length < 3) list.push('pipe')
  // Node would leave these out, and all numbers behind them would be other ones.
  return list.map((each, index) => each ?? (index < 3 ? 'pipe' : 'ignore'))
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw invalidArgument(name, 'must be a string', value)
  if (value.includes('\0')) throw invalidArgument(name, 'must not contain NUL', value)
}

function pidNeedsPrivileges(target: Target): NsfdError {
  return new NsfdError(
    `EPERM: cannot start a process in ${target}: entering a pid namespace needs CAP_SYS_ADMIN where you are; run as root, or go into the user namespace of your containers first (podman unshare …), or leave pid out of options.namespaces`,
    { code: 'EPERM', syscall: 'setns', kind: 'pid' },
  )
}
