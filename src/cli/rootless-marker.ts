// How a process knows that it was started inside the user namespace that --rootless made.
import { statSync } from 'node:fs'

export const MARKER = 'NSFD_ROOTLESS'
/** The directory to go on in: entering a mount namespace ends at its root. */
export const DIRECTORY = 'NSFD_ROOTLESS_CWD'

/** What rootless-init.js says when it waits to be asked. */
export const READY = 'ready\n'

/** Inode number of the calling process's user namespace. */
export function ownUserNamespace(): string {
  return String(statSync('/proc/self/ns/user', { bigint: true }).ino)
}

/** The marker names the namespace, so that one that merely stands in the environment elsewhere means nothing. */
export function isInsideRootless(): boolean {
  const marker = process.env[MARKER]
  return marker !== undefined && marker === ownUserNamespace()
}
