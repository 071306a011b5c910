// Runs the command line as a person does: a process of its own, as root or as nobody.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasCode } from '#dist/kernel/errors.js'

export type Outcome = { code: number | null; signal: string | null; stdout: string; stderr: string }
export type Settings = { env?: Record<string, string>; cwd?: string; input?: string }

const MAIN = fileURLToPath(import.meta.resolve('#dist/cli/nsfd.cjs'))
const NOBODY = 65534
const CLEAN = {
  NODE_TEST_CONTEXT: '',
  NO_COLOR: '',
  NSFD_DEBUG: '',
  // A PATH with directories that nobody may search changes ENOENT into EACCES.
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
}

export function nsfd(args: string[], { env = {}, ...rest }: Settings = {}): Outcome {
  const options = { encoding: 'utf8', env: { ...process.env, ...CLEAN, ...env }, ...rest } as const
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], options)
  return { code: status, signal, stdout, stderr }
}

/** The same, not waited for. */
export function startNsfd(args: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe', env: { ...process.env, ...CLEAN } })
}

export function shellLine(...args: string[]): string {
  return [process.execPath, MAIN, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
}

/** An ordinary user with a copy of the package where he may read it, and a runtime directory of his own. Needs root. */
export class Nobody implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'nsfd-nobody-'))
  readonly runtime = join(this.folder, 'runtime')
  readonly main = join(this.folder, 'dist', 'cli', 'nsfd.cjs')
  readonly #through = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', process.execPath]
  // The folder in PATH marks every process that comes of this one, the holder too.
  readonly #env = {
    ...process.env,
    ...CLEAN,
    PATH: `${CLEAN.PATH}:${this.folder}`,
    XDG_RUNTIME_DIR: this.runtime,
    HOME: this.folder,
  }

  constructor() {
    const root = dirname(dirname(dirname(MAIN)))
    for (const part of [
      'package.json',
      'dist',
      'node_modules/commander',
      'node_modules/koffi',
      'node_modules/@koromix',
    ]) {
      cpSync(join(root, part), join(this.folder, part), { recursive: true, dereference: true })
    }
    openToAll(this.folder)
    mkdirSync(this.runtime, { mode: 0o700 })
    chownSync(this.runtime, NOBODY, NOBODY)
  }

  nsfd(args: string[], { env = {}, ...rest }: Settings = {}): Outcome {
    const options = { encoding: 'utf8', env: { ...this.#env, ...env }, cwd: '/', ...rest } as const
    const { status, signal, stdout, stderr } = spawnSync('setpriv', [...this.#through, this.main, ...args], options)
    return { code: status, signal, stdout, stderr }
  }

  start(args: string[]): ChildProcess {
    return spawn('setpriv', [...this.#through, this.main, ...args], { stdio: 'pipe', env: this.#env, cwd: '/' })
  }

  /** The processes that run, by command line. */
  processes(): string[] {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && readProc(pid, 'environ').includes(this.folder))
      .map((pid) => readProc(pid, 'cmdline').replaceAll('\0', ' '))
  }

  [Symbol.dispose](): void {
    this.nsfd(['--rootless', 'stop'])
    rmSync(this.folder, { recursive: true })
  }
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return '' // gone, or not even root may look: then it is not ours
    throw error
  }
}

function openToAll(path: string): void {
  const stat = statSync(path)
  chmodSync(path, stat.mode | (stat.isDirectory() ? 0o755 : 0o644))
  if (stat.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name))
}
