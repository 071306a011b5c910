// What the kernel says a descriptor is: its kind, its (dev, ino), and its id that is never used again. ioctl_nsfs(2).
import { fstatSync } from 'node:fs'
import { NSFS } from '../kernel/constants.js'
import { NsfdError } from '../kernel/errors.js'
import { libc } from '../kernel/libc.js'
import { ioctl, isNsfs, isOpen } from '../kernel/syscalls.js'
import { type Kind, kindOfFlag } from './kinds.js'

/** A namespace's identity: the device and inode number of its nsfs file. */
export type NamespaceId = { readonly dev: bigint; readonly ino: bigint }

/** The kind of the namespace fd stands for; an error naming `what` where it stands for none. */
export function kindOf(fd: number, what = `descriptor ${fd}`): Kind {
  if (!isOpen(fd)) {
    throw new NsfdError(`EBADF: ${what} is not open`, { code: 'EBADF', errno: -9, syscall: 'fcntl' })
  }
  if (!isNsfs(fd)) throw notANamespace(what)
  const kind = kindOfFlag(ioctl(fd, NSFS.NS_GET_NSTYPE, null))
  if (kind === undefined) throw notANamespace(what)
  return kind
}

export function idOf(fd: number): NamespaceId {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return Object.freeze({ dev, ino })
}

/** NS_GET_ID (Linux 6.18): a number no other namespace has had or will have until reboot. Undefined on older kernels. */
export function kernelIdOf(fd: number): bigint | undefined {
  const id = Buffer.alloc(8)
  return libc().ioctl(fd, NSFS.NS_GET_ID, id) === -1 ? undefined : id.readBigUInt64LE(0)
}

/** The error for a path or descriptor that is something else. */
export function notANamespace(what: string): NsfdError {
  return new NsfdError(
    `${what} is not a namespace: expected a file of nsfs, such as /proc/<pid>/ns/net or a pin under /run/netns`,
    { code: 'ERR_NSFD_NOT_A_NAMESPACE' },
  )
}

/** The error for a namespace of another kind than the one asked for. */
export function wrongKind(what: string, expected: Kind, actual: Kind): NsfdError {
  return new NsfdError(`${what} is a ${actual} namespace, not a ${expected} namespace`, {
    code: 'ERR_NSFD_WRONG_KIND',
    kind: actual,
  })
}
