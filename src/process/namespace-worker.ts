// NamespaceWorker: a worker thread that lives in a set of namespaces from before its first line to its end.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { invalidArgument, NsfdError } from '../kernel/errors.js'
import { KINDS, type Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'

export type NamespaceWorkerOptions = WorkerOptions & {
  /** Where the thread lives: at most one of each of net, uts, ipc, cgroup, mnt and pid (pid: for its children). */
  namespaces: readonly Namespace[]
}

/** What the thread finds as its workerData until it has moved. */
export type Boot = { enter: [Kind, number][]; workerData: unknown }

const BOOT = fileURLToPath(new URL('./namespace-worker-boot.js', import.meta.url))

/**
 * A worker_threads.Worker whose whole thread lives in the given namespaces: sockets, children and, with a mnt namespace,
 * synchronous file calls. It is moved before any code of yours runs; if it cannot be, none runs, and 'error' says why.
 *
 * With a mnt namespace: your file is read at home beforehand, what it imports besides Node's own modules is looked up
 * inside; asynchronous file calls are refused, because libuv's pool does them, and that is at home.
 * @param filename as for Worker
 * @param options as for Worker, with `namespaces`; execArgv is not inherited from the process
 * @throws NsfdError ERR_INVALID_ARG_VALUE, ERR_NSFD_CLOSED, ERR_NSFD_SINGLE_THREADED for user and time
 * Source: setns(2), unshare(2) CLONE_FS.
 */
export class NamespaceWorker extends Worker {
  constructor(filename: string | URL, options: NamespaceWorkerOptions) {
    const { namespaces, ...own } = options ?? {}
    const held = checkNamespaces(namespaces)
    const boot: Boot = { enter: held.map(({ kind, fd }) => [kind, fd]), workerData: own.workerData }
    const execArgv = ['--require', BOOT, ...(own.execArgv ?? [])]
    const code = held.some(({ kind }) => kind === 'mnt') && !own.eval ? readAtHome(filename) : filename
    for (const namespace of held) namespace.use()
    try {
      super(code, { ...own, workerData: boot, eval: code !== filename || own.eval === true, execArgv })
    } catch (error) {
      for (const namespace of held) namespace.done()
      throw error
    }
    let released = false
    const release = () => {
      if (released) return
      released = true
      for (const namespace of held) namespace.done()
    }
    this.once('online', release).once('exit', release)
  }
}

function checkNamespaces(namespaces: unknown): Namespace[] {
  if (!Array.isArray(namespaces) || namespaces.length === 0) {
    throw invalidArgument('options.namespaces', 'must be an array of at least one Namespace', namespaces)
  }
  const seen = new Set<Kind>()
  for (const namespace of namespaces) {
    if (!(namespace instanceof Namespace)) {
      throw invalidArgument('options.namespaces', 'must contain Namespaces only', namespace)
    }
    void namespace.fd // throws if it is closed
    const { kind } = namespace
    if (seen.has(kind)) throw invalidArgument('options.namespaces', 'must contain one Namespace of a kind', kind)
    seen.add(kind)
    if (KINDS[kind].entering === 'process') {
      const message = `A thread cannot live in a ${kind} namespace: the kernel lets only a process of one thread enter it. Use spawn()`
      throw new NsfdError(message, { code: 'ERR_NSFD_SINGLE_THREADED', kind })
    }
  }
  return namespaces
}

/** Inside another mount namespace the file may not exist, so its text goes along: as script, or as a module in a data URL. */
function readAtHome(filename: string | URL): string {
  const path = filename instanceof URL ? fileURLToPath(filename) : filename
  const text = readFileSync(path, 'utf8')
  if (path.endsWith('.cjs')) return text
  return `import(${JSON.stringify(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)})`
}
