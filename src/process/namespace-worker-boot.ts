// What runs first on a NamespaceWorker's thread. It comes as --require, so before any code of the user's.
import fs, { fstatSync, statSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import worker from 'node:worker_threads'
import { CLONE } from '../kernel/constants.js'
import { NsfdError } from '../kernel/errors.js'
import { setns, unshare } from '../kernel/syscalls.js'
import { ENTER_HELP, isVisitable, KINDS, type Kind } from '../namespace/kinds.js'
import { whereabouts } from '../namespace/thread.js'
import type { Boot } from './namespace-worker.js'

const boot = worker.workerData as Boot
// mnt last: after it, /proc and everything else is the other side's.
const inOrder = boot.enter.sort(([a], [b]) => Number(a === 'mnt') - Number(b === 'mnt'))
for (const [kind, fd] of inOrder) enter(kind, fd)

// From here on workerData is the user's own.
Object.assign(worker, { workerData: boot.workerData })
syncBuiltinESMExports()

function enter(kind: Kind, fd: number): void {
  const asked = `this worker cannot enter its ${kind} namespace`
  if (kind === 'mnt') unshare(CLONE.CLONE_FS, { kind, asked })
  setns(fd, KINDS[kind].flag, { kind, asked, next: ENTER_HELP })
  if (kind === 'mnt') refuseAsynchronousFileCalls()
  else prove(kind, fd)
  if (isVisitable(kind)) whereabouts(kind) // its home from now on, opened while /proc is still ours
}

function prove(kind: Kind, fd: number): void {
  const here = statSync(`/proc/thread-self/ns/${kind === 'pid' ? 'pid_for_children' : kind}`, { bigint: true })
  const there = fstatSync(fd, { bigint: true })
  if (here.ino === there.ino && here.dev === there.dev) return
  throw new NsfdError(`This worker is not in the ${kind} namespace it was given`, { code: 'ERR_NSFD_UNPROVEN', kind })
}

/** libuv's pool does them, in the mount namespace the pool was born in: a path would mean another file. */
function refuseAsynchronousFileCalls(): void {
  const refuse = (name: string) => () => {
    throw new NsfdError(
      `fs.${name}() is refused on a worker in another mount namespace: Node does it on threads that live at home, where the path means another file. Use the synchronous call`,
      { code: 'ERR_NSFD_POOL', kind: 'mnt' },
    )
  }
  const calls = fs as unknown as Record<string, unknown>
  for (const name of Object.keys(calls)) if (`${name}Sync` in calls) calls[name] = refuse(name)
  const promises = fs.promises as unknown as Record<string, unknown>
  for (const name of Object.keys(promises)) {
    if (typeof promises[name] === 'function') promises[name] = refuse(`promises.${name}`)
  }
  syncBuiltinESMExports()
}
