// run, runSync and bind: how a call, or a whole call tree, comes to be inside a namespace.
import { types } from 'node:util'
import { invalidArgument, NsfdError } from '../kernel/errors.js'
import { supplyInside } from '../namespace/inside.js'
import { isVisitable, type VisitableKind } from '../namespace/kinds.js'
import type { Namespace } from '../namespace/namespace.js'
import { visit } from '../namespace/thread.js'
import { agentOf, connectorOf, lookupOf } from './adaptors.js'
import { bindTo } from './bind.js'
import { loadNames } from './names-module.js'
import { prepareContext } from './prepare.js'
import { currentStore, storage } from './storage.js'
import { refuseThreadStartersWhileAway } from './thread-starters.js'
import { countThreads, refuseThreadsAbroad, startThreadsOfNode } from './threads.js'

function runSync<T>(namespace: Namespace, fn: () => T): T {
  const kind = checkCall(namespace, fn)
  proveEntrance(namespace, kind)
  prepareContext(namespace)
  startThreadsOfNode()
  refuseThreadStartersWhileAway()
  const threads = countThreads()
  const fd = namespace.use()
  try {
    const inside = { ...currentStore(), [kind]: namespace }
    const result = visit(kind, fd, () => storage.run(inside, fn), `cannot enter ${namespace}`)
    refusePromise(result)
    refuseThreadsAbroad(threads, namespace)
    return result
  } finally {
    namespace.done()
  }
}

function run<T>(namespace: Namespace, fn: () => T): T {
  const kind = checkCall(namespace, fn)
  proveEntrance(namespace, kind)
  prepareContext(namespace)
  return storage.run({ ...currentStore(), [kind]: namespace }, fn)
}

supplyInside({
  run,
  runSync,
  bind: (namespace, x) => bindTo(namespace, x, run),
  connector: (namespace) => run(namespace, () => connectorOf(namespace)),
  agent: (namespace, options) => run(namespace, () => agentOf(namespace, options)),
  loadAll: loadNames,
  lookup: (namespace) => run(namespace, () => lookupOf(namespace)),
  currentNet: () => currentStore().net,
})

function checkCall(namespace: Namespace, fn: unknown): VisitableKind {
  const { kind } = namespace
  if (typeof fn !== 'function') throw invalidArgument('fn', 'must be a function', fn)
  if (isVisitable(kind)) return kind
  throw new NsfdError(
    `run() and runSync() cannot enter a ${kind} namespace from a thread of Node: use spawn(), or for mnt a Worker and setns()`,
    { code: 'ERR_NSFD_NOT_VISITABLE', kind },
  )
}

/** Once a Namespace, goes in and comes back, so that EPERM is said here and not by some connect() later. */
function proveEntrance(namespace: Namespace, kind: VisitableKind): void {
  const { fd } = namespace // throws if it is closed
  if (entered.has(namespace)) return
  visit(kind, fd, () => {}, `cannot enter ${namespace}`)
  entered.add(namespace)
}
const entered = new WeakSet<Namespace>()

function refusePromise(result: unknown): void {
  if (types.isPromise(result) || typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
    const thenable = result as PromiseLike<unknown>
    thenable.then(undefined, () => {}) // its failure is not the error to report; ours is
    throw new TypeError('runSync() was given a function that returns a promise, which would settle at home: use run()')
  }
}
