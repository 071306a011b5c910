// --rootless: the same command line once more, inside a user namespace of one's own, where one is root.
import { spawn, spawnSync } from 'node:child_process'
import { NsfdError } from '../kernel/errors.js'
import type { Namespace } from '../namespace/namespace.js'
import { findTool } from '../process/hop.js'
import { spawn as spawnInside } from '../process/spawn.js'
import {
  cannotMake,
  countPins,
  findHolder,
  freshNamespaces,
  HOLDER_KINDS,
  type Holder,
  startHolder,
  stopHolder,
  withHolderLock,
} from './holder.js'
import { replace } from './replace.js'
import { DIRECTORY, MARKER } from './rootless-marker.js'
import { openTarget } from './target.js'
import { waitAsIfReplaced } from './wait.js'

const OUTSIDE: Record<string, () => Promise<number>> = {
  stop,
  exec: becomeCommandInside,
  demo: reexecRootless,
}

/** Does what a command does, inside. @returns the exit code; `exec` does not return: the process becomes the command. */
export function runRootless(command: string): Promise<number> {
  const special = Object.hasOwn(OUTSIDE, command) ? OUTSIDE[command] : undefined
  return special === undefined ? runInHolder() : special()
}

/**
 * Runs this process's own command line again, as root of a new user namespace, with a network (loopback up), hostname,
 * mounts and a /run of its own; all of it ends with that run. Inside, isInsideRootless() is true.
 * @returns the exit code of that run; 128+n if signal n ended it
 * @throws ENOENT without util-linux; EPERM where user namespaces are refused
 */
export async function reexecRootless(): Promise<number> {
  refuseWithoutUserNamespaces()
  const [tool = '', ...args] = freshNamespaces()
  const result = await waitAsIfReplaced(() => spawn(tool, [...args, ...ourCommandLine()], { stdio: 'inherit' }))
  if (typeof result === 'number') return result
  throw cannotMake(result.message)
}

/** Pins live as long as the holder, so it is there while there are any, and gone with the last. */
function runInHolder(): Promise<number> {
  return withHolderLock(async () => {
    const holder = findHolder() ?? (await startHolder())
    try {
      return await runInside(holder)
    } finally {
      if (countPins(holder) === 0) await stopHolder(holder)
    }
  })
}

async function runInside(holder: Holder): Promise<number> {
  const namespaces = openHolder(holder)
  try {
    const [node = '', ...args] = ourCommandLine()
    const env = { ...process.env, ...markers(holder) }
    const result = await waitAsIfReplaced(() => spawnInside(namespaces, node, args, { stdio: 'inherit', env }))
    if (typeof result === 'number') return result
    throw result
  } finally {
    for (const each of namespaces) each.close()
  }
}

function openHolder({ pid, userNamespace }: Holder): Namespace[] {
  const namespaces = openTarget(String(pid), { kinds: [...HOLDER_KINDS] })
  if (namespaces.some(({ kind, id }) => kind === 'user' && String(id.ino) === userNamespace)) return namespaces
  for (const each of namespaces) each.close()
  throw new NsfdError('ESRCH: the holder of --rootless has just ended: try again', { code: 'ESRCH' })
}

/** nsfd exec: nsenter becomes nsfd becomes the command, all with our pid. Without a holder there are no names to keep. */
async function becomeCommandInside(): Promise<number> {
  const holder = await withHolderLock(async () => findHolder())
  if (holder === undefined) {
    refuseWithoutUserNamespaces()
    return replace([...freshNamespaces(), ...ourCommandLine()])
  }
  Object.assign(process.env, markers(holder))
  const kinds = ['--user', '--mount', '--net', '--uts', '--ipc', '--cgroup']
  return replace([
    findTool('nsenter'),
    `--target=${holder.pid}`,
    ...kinds,
    '--preserve-credentials',
    '--',
    ...ourCommandLine(),
  ])
}

async function stop(): Promise<number> {
  if (findHolder() === undefined) return 0
  return withHolderLock(async () => {
    const holder = findHolder()
    if (holder !== undefined) await stopHolder(holder)
    return 0
  })
}

function refuseWithoutUserNamespaces(): void {
  const tried = spawnSync(findTool('unshare'), ['--user', '--map-root-user', '--mount', 'true'], { encoding: 'utf8' })
  if (tried.status !== 0) throw cannotMake(tried.error?.message ?? tried.stderr.trim())
}

function ourCommandLine(): string[] {
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
}

function markers({ userNamespace }: Holder): Record<string, string> {
  return { [MARKER]: userNamespace, [DIRECTORY]: process.cwd() }
}
