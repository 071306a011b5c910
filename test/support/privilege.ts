// Giving privileges up, for tests of what the kernel then refuses. It cannot be undone: only in a process of its own.
import { createRequire } from 'node:module'

const CAPABILITY_VERSION_3 = 0x20080522

/** capset(2): the calling thread has no capability any more; uid 0 stays uid 0. */
export function dropCapabilities(): void {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const capset = koffi.load(null).func('int capset(void *header, const void *data)')
  const header = Buffer.alloc(8)
  header.writeUInt32LE(CAPABILITY_VERSION_3, 0)
  if (capset(header, Buffer.alloc(24)) !== 0) throw new Error(`capset failed with errno ${koffi.errno()}`)
}

/** Becomes nobody, in every thread. Needs root. What the repository holds must be loaded before. */
export function becomeNobody(): void {
  process.setgroups?.([])
  process.setgid?.(65534)
  process.setuid?.(65534)
}
