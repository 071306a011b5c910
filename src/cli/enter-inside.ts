// What nsfd enter does once the line is understood; loads no parser, because each of its milliseconds is the command's.
import type { ChildProcess } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { expectCgroupChange } from '../container/cgroups.js'
import { openTarget } from '../container/open-target.js'
import type { TargetSpawnOptions } from '../container/spawn.js'
import type { Target } from '../container/target.js'
import { hasCode } from '../kernel/errors.js'
import { libc } from '../kernel/libc.js'
import { hasCapability } from '../kernel/privilege.js'
import { KIND_NAMES, type Kind } from '../namespace/kinds.js'
import { setns } from '../namespace/setns.js'
import { EXIT, UsageError } from './failure.js'

export type EnterOptions = { [K in Kind]?: true } & {
  /** False for --no-root. Default: true. */
  root?: boolean
  uid?: string
  cwd?: string
  env?: string[]
  keepCgroup?: true
  privileged?: true
}

/** Opens the target, starts the command in it, and sets the exit code to the command's. */
export async function enterInside(word: string, line: string[], options: EnterOptions): Promise<void> {
  const [opened] = await Promise.all([openTarget(word), getReady(options)])
  using target = opened
  const { attach } = await import('./attach.js')
  const spawning = spawnOptions(target, options)
  const inside = target.rootFd !== undefined && (spawning.namespaces?.includes('mnt') ?? true)
  const [command = await shellOf(target, inside, spawning.uid), ...args] = line
  const result = await attach((stdio) => spawnIn(target, command, args, { ...spawning, ...stdio }), inside)
  if (typeof result === 'number') process.exitCode = result
  else {
    process.stderr.write(`nsfd: ${result.message}\n`)
    process.exitCode = hasCode(result, 'ENOENT') ? EXIT.notFound : EXIT.cannotRun
  }
}

/** What takes time whatever the target turns out to be, while its engine thinks. */
async function getReady({ keepCgroup }: EnterOptions): Promise<void> {
  if (!keepCgroup) expectCgroupChange()
  // Not before the question is on its way: connecting takes some turns of the event loop.
  for (let turn = 0; turn < 2; turn++) await setImmediate()
  libc()
}

/**
 * A thread that could not come back from a pid namespace is not let in: so it is for root of a user namespace whose own pid
 * namespace is the machine's (podman unshare). This process is there for one command, so it goes in for good.
 */
function spawnIn(target: Target, command: string, args: string[], options: TargetSpawnOptions): ChildProcess {
  try {
    return target.spawn(command, args, options)
  } catch (error) {
    const pid = options.namespaces?.includes('pid') === false ? undefined : target.namespaces.get('pid')
    if (pid === undefined || !hasCode(error, 'EPERM') || !hasCapability('CAP_SYS_ADMIN')) throw error
    setns(pid)
    return target.spawn(command, args, options)
  }
}

function spawnOptions(target: Target, options: EnterOptions): TargetSpawnOptions {
  const { uid, cwd, env = [], root = true } = options
  const named = KIND_NAMES.filter((kind) => options[kind])
  const all = [...target.namespaces.keys()]
  const kinds = named.length > 0 ? named : root ? undefined : all.filter((kind) => kind !== 'mnt' && kind !== 'user')
  if (named.includes('mnt') && !root) throw new UsageError('--mnt and --no-root exclude each other')
  const inside = kinds?.includes('mnt') ?? target.rootFd !== undefined
  return {
    ...(kinds && { namespaces: kinds }),
    ...(uid !== undefined && ids(uid)),
    ...(cwd !== undefined && { cwd }),
    ...(options.keepCgroup && { cgroup: false }),
    ...(options.privileged && { privileged: true }),
    env: { ...(inside ? terminalVariable() : {}), ...(inside ? target.environment : process.env), ...pairs(env) },
  }
}

/** Programs over there draw on the terminal over here. Not process.stdin: that would take hold of it. */
function terminalVariable(): NodeJS.ProcessEnv {
  return isatty(0) && process.env.TERM ? { TERM: process.env.TERM } : {}
}

function ids(text: string): { uid: number; gid?: number } {
  const [, uid, gid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? []
  if (uid === undefined) throw new UsageError(`--uid takes a number, or two with a colon between: not '${text}'`)
  return { uid: Number(uid), ...(gid !== undefined && { gid: Number(gid) }) }
}

function pairs(lines: string[]): Record<string, string> {
  const split = lines.map((line) => {
    const middle = line.indexOf('=')
    if (middle < 1) throw new UsageError(`--env takes NAME=VALUE: not '${line}'`)
    return [line.slice(0, middle), line.slice(middle + 1)] as const
  })
  return Object.fromEntries(split)
}

/** The user's login shell there, if it is there; over here, yours. */
async function shellOf(target: Target, inside: boolean, uid = target.facts?.inside.uid ?? 0): Promise<string> {
  if (!inside) return process.env.SHELL ?? '/bin/sh'
  const shell = (await passwd(target)).map((line) => line.split(':')).find((fields) => fields[2] === String(uid))?.[6]
  return shell !== undefined && (await isProgram(target, shell)) ? shell : '/bin/sh'
}

async function passwd(target: Target): Promise<string[]> {
  try {
    return (await target.fs.readFile('/etc/passwd', { encoding: 'utf8', maxBytes: 1024 * 1024 })).split('\n')
  } catch (error) {
    // There may be none, or anything in its place; /bin/sh it is then.
    if (hasCode(error, 'ENOENT', 'ELOOP', 'EACCES', 'ERR_NSFD_NOT_A_FILE', 'ERR_NSFD_TOO_LARGE')) return []
    throw error
  }
}

async function isProgram(target: Target, path: string): Promise<boolean> {
  if (!path.startsWith('/')) return false
  try {
    const stats = await target.fs.stat(path)
    return stats.isFile() && (stats.mode & 0o111) !== 0
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) return false
    throw error
  }
}
