// A new mount namespace that can be pinned from the one it was made in. Only on a thread that ends afterwards.
import { constants } from 'node:fs'
import { CPU_SETSIZE, close, open, runOnCpu, unshare } from '../kernel/syscalls.js'
import { kernelIdOf } from './identity.js'

/**
 * The kernel lets a mount namespace be pinned only where the pinning one has a lower id, against loops. Since Linux 6.18 each
 * CPU gives ids from a batch of its own, so that what is made later on another CPU can have a lower id. The CPU
 * that our own came from gives higher ones: this finds it, or another that does. Leaves the thread on that CPU.
 */
export function unshareMounts(flags: number): void {
  const home = currentId()
  unshare(flags)
  for (let cpu = 0; cpu < CPU_SETSIZE && isBefore(currentId(), home); cpu++) {
    if (runOnCpu(cpu)) unshare(flags)
  }
}

/** Never where the kernel tells no ids: it counts in one row there. */
function isBefore(id: bigint | undefined, other: bigint | undefined): boolean {
  return id !== undefined && other !== undefined && id < other
}

function currentId(): bigint | undefined {
  const fd = open('/proc/thread-self/ns/mnt', constants.O_RDONLY)
  try {
    return kernelIdOf(fd)
  } finally {
    close(fd)
  }
}
