// A process that stays the same one: its pidfd, its directory in /proc and its root, opened once and checked together.
// Everything known about it is read through them, so a pid that is recycled can never be meant.
import { constants, readFileSync, readlinkSync } from 'node:fs'
import { FCNTL } from '../kernel/constants.js'
import { hasCode, NsfdError } from '../kernel/errors.js'
import { close, open, pidfdAlive, pidfdOpen } from '../kernel/syscalls.js'
import { KIND_NAMES, type Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { checkPid } from '../namespace/open.js'

const NEXT = {
  ESRCH: 'no process has that pid',
  ENOENT: 'it has ended, or that is the id of a thread: see Tgid in /proc/<tid>/status',
  EINVAL: 'that is the id of a thread, not of a process: see Tgid in /proc/<tid>/status',
  EACCES: 'it belongs to another user or has more privileges: run as root',
  EPERM: 'it belongs to another user or has more privileges: run as root',
}

export class HeldProcess implements Disposable {
  /** As seen from here. */
  readonly pid: number
  readonly namespaces: ReadonlyMap<Kind, Namespace>
  /** A descriptor of its root directory (O_PATH). */
  readonly rootFd: number
  readonly #pidfd: number
  readonly #directory: number
  #closed = false

  private constructor(pid: number, parts: Parts) {
    this.pid = pid
    this.#pidfd = parts.pidfd
    this.#directory = parts.directory
    this.rootFd = parts.root
    this.namespaces = parts.namespaces
  }

  /** @throws ESRCH, EACCES; ERR_NSFD_TARGET_GONE if it ends meanwhile */
  static open(pid: number): HeldProcess {
    checkPid(pid)
    const asked = `cannot hold process ${pid}`
    const opened: (() => void)[] = []
    const keep = (fd: number) => {
      opened.push(() => close(fd))
      return fd
    }
    try {
      const pidfd = keep(pidfdOpen(pid, { asked, next: NEXT }))
      const directory = keep(open(`/proc/${pid}`, FCNTL.O_PATH | constants.O_DIRECTORY, { asked, next: NEXT }))
      const root = keep(open(`/proc/self/fd/${directory}/root`, FCNTL.O_PATH, { asked, next: NEXT }))
      const namespaces = openNamespaces(pid, directory, (each) => opened.push(() => each.close()))
      const held = new HeldProcess(pid, { pidfd, directory, root, namespaces })
      if (held.alive) return held
      throw new NsfdError(`Process ${pid} ended while it was being opened`, { code: 'ERR_NSFD_TARGET_GONE' })
    } catch (error) {
      for (const undo of opened.reverse()) undo()
      throw error
    }
  }

  /** False once it has ended, also while it is a zombie. */
  get alive(): boolean {
    if (this.#closed || !pidfdAlive(this.#pidfd)) return false
    const state = this.tryRead('stat')
    // pid (comm) state: comm may contain anything, parentheses too, so look behind the last one.
    return state !== undefined && !/^[ZXx]/.test(state.slice(state.lastIndexOf(')') + 2))
  }

  /** A file of /proc/<pid>. */
  read(file: string): string {
    return readFileSync(this.#path(file), 'latin1')
  }

  /** The same as bytes: what a process says of itself is in no particular encoding. */
  readBytes(file: string): Buffer {
    return readFileSync(this.#path(file))
  }

  readLink(file: string): string {
    return readlinkSync(this.#path(file))
  }

  /** Undefined where the process has ended or this kernel has no such file. */
  tryRead(file: string): string | undefined {
    try {
      return this.read(file)
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
      throw error
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const namespace of this.namespaces.values()) namespace.close()
    for (const fd of [this.rootFd, this.#directory, this.#pidfd]) close(fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #path(file: string): string {
    if (this.#closed) throw new NsfdError(`Process ${this.pid} is not held any more`, { code: 'ERR_NSFD_CLOSED' })
    return `/proc/self/fd/${this.#directory}/${file}`
  }
}

type Parts = { pidfd: number; directory: number; root: number; namespaces: Map<Kind, Namespace> }

function openNamespaces(pid: number, directory: number, opened: (namespace: Namespace) => void): Map<Kind, Namespace> {
  const namespaces = new Map<Kind, Namespace>()
  for (const kind of KIND_NAMES) {
    // Of a process, a network namespace comes with the files that answer names in it.
    const namespace = kind === 'net' ? Namespace.ofProcess(pid, kind) : openNamespace(directory, kind)
    if (namespace === undefined) continue
    opened(namespace)
    namespaces.set(kind, namespace)
  }
  return namespaces
}

/** Undefined where this kernel has no such kind. */
function openNamespace(directory: number, kind: Kind): Namespace | undefined {
  try {
    return Namespace.open(`/proc/self/fd/${directory}/ns/${kind}`)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
