// A target: what a person's word came to mean, held so that it goes on meaning that. A process and all its namespaces,
// or a single namespace that has a name.
import type { ChildProcess } from 'node:child_process'
import { inspect } from 'node:util'
import { NsfdError } from '../kernel/errors.js'
import type { Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { SPAWN } from '../process/spawnable.js'
import { type ExecOptions, type ExecResult, execIn } from './exec.js'
import { factsOf, type IdMapping, type ProcessFacts } from './facts.js'
import { Files } from './files.js'
import type { HeldProcess } from './held-process.js'
import { spawnIn, type TargetSpawnOptions } from './spawn.js'

/** What an engine knows of a container, beside its process. */
export type Description = {
  /** 'docker', 'podman', 'containerd', 'cri', 'lxc', 'machine'; 'pid' for a process, 'pin' or 'path' for a namespace. */
  readonly engine: string
  readonly name: string
  readonly id: string
  readonly labels?: Readonly<Record<string, string>>
  readonly image?: string
  /** Where the engine says; otherwise it is that of the process. */
  readonly environment?: Readonly<Record<string, string>>
  readonly workingDirectory?: string
}

export class Target implements Disposable {
  readonly engine: string
  readonly name: string
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
  readonly image: string | undefined
  /** The process, as seen from here; undefined for a namespace that only has a name. */
  readonly pid: number | undefined
  /** Every namespace held, by kind. They are closed with the target. */
  readonly namespaces: ReadonlyMap<Kind, Namespace>
  /** Variables a command gets by default. */
  readonly environment: Readonly<Record<string, string>>
  /** Where a command starts by default, over there. */
  readonly workingDirectory: string | undefined
  /** What the kernel says of the process: ids, capabilities, limits, cgroups. */
  readonly facts: ProcessFacts | undefined
  /** Its files, read and written from outside without ever being led out of its root. */
  readonly fs: Files
  readonly #process: HeldProcess | undefined
  #closed = false

  /** @internal: openTarget() makes targets. It takes over what it is given. */
  constructor(description: Description, held: HeldProcess | Namespace) {
    this.engine = description.engine
    this.name = description.name
    this.id = description.id
    this.labels = description.labels ?? {}
    this.image = description.image
    this.workingDirectory = description.workingDirectory
    this.#process = held instanceof Namespace ? undefined : held
    this.pid = this.#process?.pid
    this.namespaces = held instanceof Namespace ? new Map([[held.kind, held]]) : held.namespaces
    this.facts = this.#process && factsOf(this.#process)
    this.environment = environmentOf(this.#process, description.environment)
    this.fs = new Files(this)
  }

  /** False once its process has ended. Its namespaces are held all the same. */
  get alive(): boolean {
    return this.#process?.alive ?? !this.#closed
  }

  /** Its root directory, as seen from here. Do not follow links below it: use `fs`. */
  get root(): string | undefined {
    return this.pid === undefined ? undefined : `/proc/${this.pid}/root`
  }

  /** @internal A descriptor of its root (O_PATH). */
  get rootFd(): number | undefined {
    this.#expectOpen()
    return this.#process?.rootFd
  }

  get uidMap(): readonly IdMapping[] {
    return this.facts?.uidMap ?? []
  }

  get gidMap(): readonly IdMapping[] {
    return this.facts?.gidMap ?? []
  }

  /** @throws ERR_NSFD_NO_NAMESPACE where the target has none of that kind, as a pin of another kind */
  namespace(kind: Kind): Namespace {
    this.#expectOpen()
    const namespace = this.namespaces.get(kind)
    if (namespace !== undefined) return namespace
    throw new NsfdError(`${this} has no ${kind} namespace; it has ${[...this.namespaces.keys()].join(', ')}`, {
      code: 'ERR_NSFD_NO_NAMESPACE',
      kind,
    })
  }

  /** Starts a command inside: see spawnIn. */
  spawn(command: string, args: readonly string[] = [], options: TargetSpawnOptions = {}): ChildProcess {
    return spawnIn(this, command, args, options)
  }

  /** What spawn(target, …) calls. @internal */
  [SPAWN](command: string, args: readonly string[], options: TargetSpawnOptions): ChildProcess {
    return spawnIn(this, command, args, options)
  }

  /** Runs a command inside to its end, and captures what it prints: see execIn. */
  exec(
    command: string,
    args: readonly string[] | undefined,
    options: ExecOptions & { encoding: 'buffer' },
  ): Promise<ExecResult<Buffer>>
  exec(command: string, args?: readonly string[], options?: ExecOptions): Promise<ExecResult>
  exec(
    command: string,
    args?: readonly string[],
    options?: ExecOptions & { encoding: 'buffer' },
  ): Promise<ExecResult | ExecResult<Buffer>> {
    return execIn(this, command, args, options)
  }

  /** Calls fn in the context of its network namespace, with its DNS. @throws as Namespace.run */
  run<T>(fn: () => T): T {
    return this.namespace('net').run(fn)
  }

  /** @internal @throws ERR_NSFD_TARGET_GONE */
  expectAlive(): void {
    this.#expectOpen()
    if (this.#process === undefined || this.#process.alive) return
    throw new NsfdError(
      `${this} has ended since it was opened: its process ${this.pid} is gone. If it was restarted or replaced, open it again by its name`,
      { code: 'ERR_NSFD_TARGET_GONE' },
    )
  }

  /** Lets go of everything held. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#process !== undefined) this.#process.close()
    else for (const namespace of this.namespaces.values()) namespace.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** docker:web (5c7ae6f63f01) */
  toString(): string {
    const id = this.id === this.name ? '' : ` (${this.id.slice(0, 12)})`
    return `${this.engine}:${this.name}${id}`
  }

  [inspect.custom](): string {
    return `Target { ${this}${this.pid === undefined ? '' : `, pid ${this.pid}`}${this.#closed ? ', closed' : ''} }`
  }

  #expectOpen(): void {
    if (this.#closed) throw new NsfdError(`${this} is closed`, { code: 'ERR_NSFD_CLOSED' })
  }
}

/** What a runtime adds to what the engine was told. */
const RUNTIME_VARIABLES = ['PATH', 'HOSTNAME', 'HOME', 'TERM']

/** The engine's word goes before the process's: that may have written over its own. */
function environmentOf(held: HeldProcess | undefined, told?: Readonly<Record<string, string>>): Record<string, string> {
  const started = held === undefined ? {} : startedWith(held)
  if (told === undefined) return started
  const added = Object.entries(started).filter(([name]) => RUNTIME_VARIABLES.includes(name))
  return { ...Object.fromEntries(added), ...told }
}

function startedWith(held: HeldProcess): Record<string, string> {
  const pairs = held
    .readBytes('environ')
    .toString('utf8')
    .split('\0')
    .flatMap((line): [string, string][] => {
      const middle = line.indexOf('=')
      return middle > 0 ? [[line.slice(0, middle), line.slice(middle + 1)]] : []
    })
  return Object.fromEntries(pairs)
}
