// The last hop: util-linux between fork and exec, for the kinds that only a process of one thread can enter or make.
// nsenter(1) and unshare(1) become the command in place, so the child's pid, signals and exit code are the command's.
import { type SpawnOptions, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { accessSync, constants, readFileSync, readlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NsfdError } from '../kernel/errors.js'
import type { Kind } from '../namespace/kinds.js'
import type { Namespace } from '../namespace/namespace.js'
import type { Plan } from './plan.js'

const LONG_OPTION: Record<Kind, string> = {
  net: '--net',
  uts: '--uts',
  ipc: '--ipc',
  mnt: '--mount',
  pid: '--pid',
  user: '--user',
  cgroup: '--cgroup',
  time: '--time',
}

const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export type CommandLine = { command: string; args: string[]; options: SpawnOptions }

/** Puts the hops that a plan needs in front of a command line; none, if the child is born where it belongs. */
export function withHops(plan: Plan, line: CommandLine): CommandLine {
  if (plan.enters.length + plan.unshares.length === 0) return line
  const { options } = line
  if (options.argv0 !== undefined) throw cannotPass('argv0')
  const [command, args] = withoutShell(line)
  const { uid, gid, cwd, shell: _, ...rest } = options
  const credentials = [...flag('--setuid', uid), ...flag('--setgid', gid)]
  const entersMounts = plan.enters.some(({ kind }) => kind === 'mnt')
  // A directory of ours must not become the working directory over there: --wdns looks it up in the target.
  const directory = entersMounts && cwd !== undefined ? [`--wdns=${cwd instanceof URL ? fileURLToPath(cwd) : cwd}`] : []
  const unsharing = unshareCommand(plan, credentials)
  const entering = nsenterCommand(plan, credentials.length === 2, [
    ...directory,
    ...(unsharing.length === 0 ? credentials : []),
  ])
  const [tool = '', ...toolArgs] = [...entering, ...unsharing, command, ...args]
  return { command: tool, args: toolArgs, options: entersMounts || cwd === undefined ? rest : { ...rest, cwd } }
}

function nsenterCommand(plan: Plan, hasIds: boolean, more: string[]): string[] {
  if (plan.enters.length === 0) return []
  const files = plan.enters.map((each) => `${LONG_OPTION[each.kind]}=${pathOf(each)}`)
  const preserve = keepsCredentials(plan, hasIds) ? ['--preserve-credentials'] : []
  return [findTool('nsenter'), ...files, ...preserve, ...more, '--']
}

/**
 * nsenter makes itself root of a user namespace that it enters, and drops its groups for that. Whoever may not drop groups
 * keeps the ids: these are an ordinary user, and root of a user namespace, and what they enter they have made themselves.
 * So does who enters a user namespace that has no root, but only if it has ids for the caller: root of the machine
 * unmapped in there would still own the machine's files, in reach of whoever may trace processes there.
 */
function keepsCredentials({ privileged, enters }: Plan, hasIds: boolean): boolean {
  if (!privileged || readFileSync('/proc/self/setgroups', 'latin1').trim() !== 'allow') return true
  const user = enters.find(({ kind }) => kind === 'user')
  if (user === undefined || hasIds || hasRoot(user)) return false
  const ids = idsInside(user)
  if (ids === undefined) return false // it cannot be entered at all, which nsenter itself says best
  if (ids.every((id, i) => id !== overflowIds()[i])) return true
  throw new NsfdError(
    `EINVAL: ${user} has no ids for root nor for the caller: name some that it maps by options.uid and options.gid`,
    { code: 'EINVAL', syscall: 'setgid', kind: 'user' },
  )
}

/** Whether ids 0 are mapped there, asked by trying: the kernel shows the maps of a process only. Written once, they stay. */
function hasRoot(user: Namespace): boolean {
  if (!knownToHaveRoot.has(user) && tryInside(user, [], 'true').status === 0) knownToHaveRoot.add(user)
  return knownToHaveRoot.has(user)
}
const knownToHaveRoot = new WeakSet<Namespace>()

/** What our own uid and gid are there; the overflow ids, if they are not mapped. */
function idsInside(user: Namespace): string[] | undefined {
  const found = ['-u', '-g'].map((which) => tryInside(user, ['--preserve-credentials'], 'id', which))
  return found.every(({ status }) => status === 0) ? found.map(({ stdout }) => stdout.trim()) : undefined
}

function overflowIds(): string[] {
  return ['uid', 'gid'].map((each) => readFileSync(`/proc/sys/kernel/overflow${each}`, 'latin1').trim())
}

/** Runs a tool of ours in a user namespace and waits for it: some 3 ms. */
function tryInside(user: Namespace, options: string[], tool: string, ...args: string[]): SpawnSyncReturns<string> {
  const line = [`--user=${pathOf(user)}`, ...options, '--', findTool(tool), ...args]
  return spawnSync(findTool('nsenter'), line, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

/** Named through us, because a descriptor that the child inherits would stay open in the command. */
function pathOf({ fd }: Namespace): string {
  return `/proc/${readlinkSync('/proc/self')}/fd/${fd}`
}

function unshareCommand(plan: Plan, credentials: string[]): string[] {
  const { unshares, visits, births, enters } = plan
  if (unshares.length === 0) return []
  const options = unshares.map((kind) => LONG_OPTION[kind])
  if (unshares.includes('user')) options.push('--map-root-user')
  // unshare(2) gives a new pid namespace to children only, so here, and only here, the command is a grandchild.
  if (unshares.includes('pid')) options.push('--fork', '--kill-child')
  const pidChanges =
    [...unshares, ...births].includes('pid') || [...visits, ...enters].some(({ kind }) => kind === 'pid')
  if (unshares.includes('mnt') && pidChanges) options.push('--mount-proc')
  return [findTool('unshare'), ...options, ...credentials, '--']
}

/** The command itself and its arguments: what Node's `shell` option would have made of them. */
function withoutShell({ command, args, options }: CommandLine): [string, string[]] {
  if (!options.shell) return [command, args]
  const shell = typeof options.shell === 'string' ? options.shell : '/bin/sh'
  return [shell, ['-c', [command, ...args].join(' ')]]
}

function flag(name: string, value: number | undefined): string[] {
  return value === undefined ? [] : [`${name}=${value}`]
}

/** An absolute path: the child's own PATH, which may be of another file system, does not matter for our tools. */
export function findTool(name: string): string {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), ...STANDARD_PATH.split(':')]) {
    const path = join(directory, name)
    if (directory.startsWith('/') && isExecutable(path)) return path
  }
  throw new NsfdError(`${name}(1) is needed for this and is not installed: install util-linux`, {
    code: 'ENOENT',
    syscall: 'spawn',
    path: name,
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // absent or not ours to run; the next directory may have it
  }
}

function cannotPass(option: string): NsfdError {
  return new NsfdError(
    `options.${option} cannot be used when entering mnt, user or time: nsenter(1) starts the command`,
    {
      code: 'ERR_INVALID_ARG_VALUE',
    },
  )
}
