// Threads are born where the thread that starts them is, and stay. So none may be started while this one is away.
import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { hasCode, NsfdError } from '../kernel/errors.js'
import { require } from '../kernel/require.js'
import type { Namespace } from '../namespace/namespace.js'
import { isVisiting } from '../namespace/thread.js'

const TASKS = '/proc/self/task'

/** Worker's constructor begins with super(); what that calls is looked up when it is called, so it can refuse. */
export function refuseWorkersWhileAway(): void {
  const base = Object.getPrototypeOf(Worker) as new (...args: unknown[]) => object
  function AtHome(this: unknown, ...args: unknown[]): object {
    if (isVisiting()) throw bornAbroad('A Worker cannot be started inside runSync()')
    return Reflect.construct(base, args, new.target ?? base)
  }
  Object.setPrototypeOf(AtHome, base)
  AtHome.prototype = base.prototype
  Object.setPrototypeOf(Worker, AtHome)
}

/**
 * From Node 22 on, loading tls (and so https, http2, undici) starts a thread that reads certificates. Inside runSync() it
 * would be born abroad; so it is loaded while this thread is at home.
 */
export function startThreadsOfNode(): void {
  if (started) return
  require('node:tls')
  started = true
}
let started = false

/** How many threads this process has: the links of a directory are its subdirectories and two. */
export function countThreads(): number {
  return statSync(TASKS).nlink
}

/** If there are more threads than before, makes sure that none stayed in `visited`: a native add-on may have started one. */
export function refuseThreadsAbroad(before: number, visited: Namespace): void {
  if (countThreads() <= before) return
  const here = visited.toString()
  const abroad = readdirSync(TASKS).filter((task) => placeOf(task, visited.kind) === here)
  if (abroad.length > 0 && placeOf('self', visited.kind) !== here) {
    throw bornAbroad(
      `fn started ${abroad.length} thread(s) inside runSync() (${abroad.join(', ')}), which stay in ${here}`,
    )
  }
}

function placeOf(task: string, kind: string): string | undefined {
  const path = task === 'self' ? `/proc/thread-self/ns/${kind}` : `${TASKS}/${task}/ns/${kind}`
  try {
    return readlinkSync(path)
  } catch (error) {
    // That thread has ended: EACCES is what the kernel says if it did so between look-up and readlink.
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined
    throw error
  }
}

export function bornAbroad(what: string): NsfdError {
  return new NsfdError(
    `${what}: threads live in the namespaces of the thread that started them. Start threads at home, and use run() inside them`,
    { code: 'ERR_NSFD_THREAD_ABROAD' },
  )
}
