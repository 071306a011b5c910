// What the calling process may do, asked of the kernel: capabilities(7), and whose user namespace it stands in.
import { readFileSync } from 'node:fs'

/** <linux/capability.h>: the capabilities that namespaces ask for, by bit. */
export const CAP = {
  CAP_SETUID: 7,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
} as const

export type Capability = keyof typeof CAP

/** Whether the calling thread has a capability over its own user namespace (CapEff of /proc/thread-self/status). */
export function hasCapability(capability: Capability): boolean {
  const status = readFileSync('/proc/thread-self/status', 'latin1')
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  return effective !== undefined && ((BigInt(`0x${effective}`) >> BigInt(CAP[capability])) & 1n) === 1n
}

/** What the calling thread may make effective (CapPrm), as bits. */
export function permittedCapabilities(): bigint {
  const status = readFileSync('/proc/thread-self/status', 'latin1')
  return BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
}
