// The holder: one process a user that keeps the user and mount namespaces of --rootless, and so the pins in there, alive.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  constants as files,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { hasCode, NsfdError } from '../kernel/errors.js'
import { close, open, pidfdOpen, pidfdSendSignal, tryLock } from '../kernel/syscalls.js'
import { KIND_NAMES, KINDS } from '../namespace/kinds.js'
import { findTool } from '../process/hop.js'
import { READY } from './rootless-marker.js'

/** What tells a process from a later one with the same pid, and what it holds. */
export type Holder = { pid: number; startTime: string; userNamespace: string }

const LOCK_PATIENCE_MS = 10_000
/** sleep(1) in the form that every sleep knows: 68 years. */
const FOREVER = ['sleep', '2147483647']

const USER_NAMESPACE_HELP =
  'nsfd doctor says whether this machine allows user namespaces, and what to change if it does not'

/** Runs work while no other nsfd of this user looks for the holder, starts it or ends it. */
export async function withHolderLock<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(stateDirectory(), { recursive: true, mode: 0o700 })
  hasSafeDirectory()
  const path = join(stateDirectory(), 'lock')
  const lock = open(path, files.O_RDWR | files.O_CREAT | files.O_NOFOLLOW, { mode: 0o600 })
  try {
    const deadline = Date.now() + LOCK_PATIENCE_MS
    while (!tryLock(lock, { path })) {
      if (Date.now() > deadline) {
        throw new NsfdError(`EAGAIN: another nsfd --rootless has held '${path}' for ${LOCK_PATIENCE_MS / 1000} s`, {
          code: 'EAGAIN',
          path,
        })
      }
      await sleep(5)
    }
    return await work()
  } finally {
    close(lock)
  }
}

/** The holder that runs, if one does. Whatever the pid file says, it is ours, that very process, and in that namespace. */
export function findHolder(): Holder | undefined {
  if (!hasSafeDirectory()) return undefined
  try {
    const holder = JSON.parse(readFileSync(pidFile(), 'utf8')) as Holder | null
    return holder !== null && isAlive(holder) ? holder : undefined
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** It becomes a holder only once its pid is written down: interrupted before, it ends by itself. */
export async function startHolder(): Promise<Holder> {
  const [tool = '', ...args] = freshNamespaces('--asked')
  const child = spawn(tool, [...args, ...FOREVER], {
    cwd: '/',
    detached: true,
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  child.unref()
  let said = ''
  const isReady = new Promise<boolean>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said === READY) resolve(true)
    })
    child.stderr.once('close', () => resolve(false))
  })
  if (!(await isReady) || child.pid === undefined) throw cannotMake(said.trim())
  const holder = describe(child.pid)
  const draft = `${pidFile()}.${process.pid}`
  writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 })
  renameSync(draft, pidFile())
  child.stdin.end('go')
  await once(child.stderr, 'close')
  if (said !== READY || !isAlive(holder)) throw cannotMake(said.slice(READY.length).trim())
  return holder
}

/**
 * The start of a command line that ends in a command, as root of a new user namespace. Every kind that a thread visits and
 * comes back from is new as well: the way back is open only to namespaces that belong to one's own user namespace.
 */
export function freshNamespaces(...options: string[]): string[] {
  const init = fileURLToPath(new URL('./rootless-init.js', import.meta.url))
  const kinds = [
    '--user',
    '--map-root-user',
    '--mount',
    '--propagation',
    'slave',
    '--net',
    '--uts',
    '--ipc',
    '--cgroup',
  ]
  return [findTool('unshare'), ...kinds, '--', process.execPath, init, ...options, '--']
}

/** What to join of the holder: all that freshNamespaces() makes. */
export const HOLDER_KINDS = ['user', 'mnt', 'net', 'uts', 'ipc', 'cgroup'] as const

/** Ends it, and with it the pins. Commands that still run inside keep their namespaces. */
export async function stopHolder(holder: Holder): Promise<void> {
  kill(holder)
  while (isAlive(holder)) await sleep(2)
  rmSync(pidFile(), { force: true })
}

/** By its pidfd, looked at after that was opened: a pid that is another process's by now is left alone. */
function kill(holder: Holder): void {
  try {
    const pidfd = pidfdOpen(holder.pid)
    try {
      if (isAlive(holder)) pidfdSendSignal(pidfd, constants.signals.SIGKILL)
    } finally {
      close(pidfd)
    }
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

/** Names in there, as seen through the holder's root: its mountinfo also lists the machine's pins that its /run covers. */
export function countPins({ pid }: Holder): number {
  return KIND_NAMES.map((kind) => namesIn(`/proc/${pid}/root${KINDS[kind].directory}`)).reduce((sum, n) => sum + n, 0)
}

function namesIn(directory: string): number {
  try {
    return readdirSync(directory).length
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0
    throw error
  }
}

function pidFile(): string {
  return join(stateDirectory(), 'holder.json')
}

function stateDirectory(): string {
  const uid = process.getuid?.() ?? 0
  const runtime = process.env.XDG_RUNTIME_DIR
  const usable = runtime?.startsWith('/') && lstatSync(runtime, { throwIfNoEntry: false })?.uid === uid
  return usable ? join(runtime as string, 'nsfd') : `/tmp/nsfd-${uid}`
}

/** Ours alone, or not used at all: who can write here decides which namespace we join. False where it is not there yet. */
function hasSafeDirectory(): boolean {
  const path = stateDirectory()
  const uid = process.getuid?.() ?? 0
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return false
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return true
  throw new NsfdError(
    `EPERM: '${path}' must be a directory of yours (uid ${uid}) that nobody else may enter (mode 0700): move it away`,
    { code: 'EPERM', path },
  )
}

function describe(pid: number): Holder {
  statSync(`/proc/${pid}/ns/mnt`) // a zombie has none any more, though it still has a user namespace
  const userNamespace = String(statSync(`/proc/${pid}/ns/user`, { bigint: true }).ino)
  return { pid, startTime: startTimeOf(pid), userNamespace }
}

function isAlive({ pid, startTime, userNamespace }: Holder): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false
  try {
    const now = describe(pid)
    return now.startTime === startTime && now.userNamespace === userNamespace
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return false
    throw error
  }
}

/** Field 22 of /proc/<pid>/stat; the name before it may contain anything, and ends with the last parenthesis. */
function startTimeOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] as string
}

/** The error for a machine that refuses user namespaces. @param why what unshare(1) said */
export function cannotMake(why: string): NsfdError {
  const reason = why === '' ? 'unshare(1) ended without a word' : why
  return new NsfdError(`EPERM: cannot make a user namespace: ${reason}; ${USER_NAMESPACE_HELP}`, {
    code: 'EPERM',
    syscall: 'unshare',
  })
}
