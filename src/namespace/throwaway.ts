// A thread that makes one namespace by changing itself, and ends. The caller waits: it takes some 20 ms.
import { NsfdError } from '../kernel/errors.js'
import { require } from '../kernel/require.js'
import { requireDescriptors } from '../kernel/syscalls.js'

export type MadeOnThread = {
  flag: number
  /** The file under /proc/thread-self/ns that stands for what unshare(2) made. */
  file: string
  /** Cut the new mount namespace off from the propagation of its parent's mounts. */
  privateMounts: boolean
}

export type Answer = { fd: number; errno: number; syscall: 'unshare' | 'mount' | 'open' }

export const SYSCALLS = ['unshare', 'mount', 'open'] as const
/** Places in the shared memory between the two threads. */
export const SHARED = { DONE: 0, FD: 1, ERRNO: 2, SYSCALL: 3 } as const

const PATIENCE_MS = 30_000
/** What a Worker of Node opens while it starts. Without them it never runs, and says so only to an event loop that waits. */
const WORKER_DESCRIPTORS = 16

export function makeOnThrowawayThread(made: MadeOnThread): Answer {
  const { Worker } = require('node:worker_threads') as typeof import('node:worker_threads')
  requireDescriptors(WORKER_DESCRIPTORS, { asked: `cannot start a thread to make a ${made.file} namespace` })
  const shared = new Int32Array(new SharedArrayBuffer(16))
  const worker = new Worker(new URL('./throwaway-worker.js', import.meta.url), {
    workerData: { made, shared },
    execArgv: [],
    env: {},
  })
  worker.unref()
  worker.on('error', () => {}) // told below: a thread that failed before answering leaves DONE at 0
  if (Atomics.wait(shared, SHARED.DONE, 0, PATIENCE_MS) === 'timed-out') {
    throw new NsfdError(
      `The thread that was to make a ${made.file} namespace did not answer in ${PATIENCE_MS / 1000} s`,
      {
        code: 'ERR_NSFD_THREAD',
      },
    )
  }
  return {
    fd: shared[SHARED.FD] as number,
    errno: shared[SHARED.ERRNO] as number,
    syscall: SYSCALLS[shared[SHARED.SYSCALL] as number] as Answer['syscall'],
  }
}
