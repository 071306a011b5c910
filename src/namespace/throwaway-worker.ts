// What the throwaway thread does. Descriptors are the process's, so the one it opens outlives it.
import { constants } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { CLONE, MOUNT } from '../kernel/constants.js'
import type { NsfdError } from '../kernel/errors.js'
import { mount, open, unshare } from '../kernel/syscalls.js'
import { type MadeOnThread, SHARED, SYSCALLS } from './throwaway.js'
import { unshareMounts } from './unshare-mounts.js'

const { made, shared } = workerData as { made: MadeOnThread; shared: Int32Array }

try {
  // A new mount namespace needs a cwd and root of the thread's own; CLONE_NEWNS implies CLONE_FS for this thread alone.
  if (made.privateMounts) {
    unshareMounts(CLONE.CLONE_FS | made.flag)
    mount('none', '/', 'none', MOUNT.MS_REC | MOUNT.MS_PRIVATE)
  } else {
    unshare(made.flag)
  }
  shared[SHARED.FD] = open(`/proc/thread-self/ns/${made.file}`, constants.O_RDONLY)
} catch (error) {
  const { errno, syscall } = error as NsfdError
  shared[SHARED.ERRNO] = -(errno ?? -1)
  shared[SHARED.SYSCALL] = Math.max(0, (SYSCALLS as readonly string[]).indexOf(syscall ?? ''))
}
Atomics.store(shared, SHARED.DONE, 1)
Atomics.notify(shared, SHARED.DONE)
