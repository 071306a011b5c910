// What a bench needs around it: a namespace that ip(8) knows, child processes, a work directory. All of it goes away at
// the end, also on Ctrl-C, and in reverse.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Says why a bench, or a contender of one, cannot run here; the others go on. */
export class Skip extends Error {}

export class Stage implements AsyncDisposable {
  readonly #undo: (() => void | Promise<void>)[] = []
  readonly #interrupted = () => {
    void this[Symbol.asyncDispose]().finally(() => process.exit(130))
  }

  constructor() {
    process.once('SIGINT', this.#interrupted)
    process.once('SIGTERM', this.#interrupted)
  }

  /** A pinned network namespace with its loopback up, made by `ip netns` as a user would. */
  namespace(name: string): string {
    const unique = `nsfd-bench-${process.pid}-${name}`
    command('ip', ['netns', 'add', unique])
    this.#undo.push(() => void command('ip', ['netns', 'del', unique]))
    command('ip', ['-n', unique, 'link', 'set', 'lo', 'up'])
    return unique
  }

  /** A file of the namespace's own /etc, as `ip netns exec` and nsfd read it. */
  etcFile(namespace: string, file: string, text: string): void {
    const folder = join('/etc/netns', namespace)
    mkdirSync(folder, { recursive: true })
    this.#undo.push(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, file), text)
  }

  directory(): string {
    const path = mkdtempSync(join(tmpdir(), 'nsfd-bench-'))
    this.#undo.push(() => rmSync(path, { recursive: true }))
    return path
  }

  /** Starts a program that is killed at the end at the latest. */
  start(program: readonly string[]): ChildProcess {
    const [file, ...args] = program as [string, ...string[]]
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    child.on('error', (error) => process.stderr.write(`${file}: ${error.message}\n`))
    this.#undo.push(() => {
      child.kill('SIGKILL')
      return ended
    })
    return child
  }

  /** What undoes something that the bench is about to make. */
  atEnd(undo: () => void): void {
    this.#undo.push(undo)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('SIGINT', this.#interrupted)
    process.off('SIGTERM', this.#interrupted)
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) await undo()
  }
}

/** Runs a command to its end; an error with what it wrote if it fails. */
export function command(file: string, args: string[], env?: Record<string, string>): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    encoding: 'utf8',
    ...(env && { env: { ...process.env, ...env } }),
  })
  if (status === 0) return stdout
  throw new Error(`${file} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

export function needs(program: string, use: string): void {
  const found = (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)))
  if (!found) throw new Skip(`${program} is not installed (${use})`)
}

/** The program on one processor, so that contenders and load generators do not push each other around. */
export function onCpu(cpu: number, program: string[]): string[] {
  return availableParallelism() > cpu ? ['taskset', '-c', String(cpu), ...program] : program
}

export function insideByIp(name: string, program: string[]): string[] {
  return ['ip', 'netns', 'exec', name, ...program]
}

/** A program of bench/child, on the Node that runs this. */
export function node(child: string, ...args: string[]): string[] {
  return [process.execPath, join(import.meta.dirname, 'child', `${child}.js`), ...args]
}
