// nsfd enter TARGET [-- CMD…]: a shell or a command inside a container, as if it had been typed there.
import { Command, Option } from 'commander'
import { openTarget } from '../container/open-target.js'
import type { TargetSpawnOptions } from '../container/spawn.js'
import type { Target } from '../container/target.js'
import { hasCode } from '../kernel/errors.js'
import { KIND_NAMES, type Kind } from '../namespace/kinds.js'
import { EXIT, UsageError } from './failure.js'
import { examples } from './options.js'

type Options = { [K in Kind]?: true } & {
  root: boolean
  uid?: string
  cwd?: string
  env?: string[]
  keepCgroup?: true
  privileged?: true
}

export function enterCommand(): Command {
  const command = new Command('enter')
    .description('enter a container, or the namespaces of a process: a shell, or a command')
    .argument('<target>', 'docker:NAME, podman:NAME, containerd:NAMESPACE/ID, cri:ID, lxc:NAME, machine:NAME, pid:N, …')
    .argument('[command...]', 'the command and its arguments, after --; without one, a shell')
  for (const kind of KIND_NAMES) {
    command.addOption(new Option(`--${kind}`, `enter its ${kind} namespace; those not named are left out`))
  }
  return command
    .option('--no-root', 'keep your own files, tools and user: all namespaces but mnt and user')
    .option('--uid <uid[:gid]>', 'become this user over there')
    .option('--cwd <directory>', 'start in this directory over there')
    .option('--env <name=value>', 'set a variable over there, several times if wanted', collect)
    .option('--keep-cgroup', 'stay in your own cgroups')
    .option('--privileged', 'keep your own capabilities: not for containers you do not trust')
    .addHelpText(
      'after',
      `${examples(
        'nsfd enter docker:web                        a shell in the container',
        'nsfd enter web -- cat /etc/hosts             the one that goes by that name',
        'nsfd enter --net docker:web -- tcpdump -i eth0   your tools in its network',
        'nsfd enter --uid 1000 podman:db -- id',
        'nsfd enter net:red -- ip route',
      )}\n\nExit code: the command’s; 126, 127, 128+n as in a shell.`,
    )
    .action(enter)
}

async function enter(word: string, line: string[], options: Options): Promise<void> {
  const attaching = import('./attach.js') // loads while the engine thinks
  using target = await openTarget(word)
  const { attach } = await attaching
  const spawning = spawnOptions(target, options)
  const inside = target.rootFd !== undefined && (spawning.namespaces?.includes('mnt') ?? true)
  const [command = await shellOf(target, inside, spawning.uid), ...args] = line
  const result = await attach((stdio) => target.spawn(command, args, { ...spawning, ...stdio }), inside)
  if (typeof result === 'number') process.exitCode = result
  else {
    process.stderr.write(`nsfd: ${result.message}\n`)
    process.exitCode = hasCode(result, 'ENOENT') ? EXIT.notFound : EXIT.cannotRun
  }
}

function spawnOptions(target: Target, options: Options): TargetSpawnOptions {
  const { uid, cwd, env = [], root } = options
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

/** Programs over there draw on the terminal over here. */
function terminalVariable(): NodeJS.ProcessEnv {
  return process.stdin.isTTY && process.env.TERM ? { TERM: process.env.TERM } : {}
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

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
