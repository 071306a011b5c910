// Opening what lies below a container's root, from outside, without ever being led out of it or opening what is no file.
//
// The kernel resolves every path with that root as "/" (openat2, RESOLVE_IN_ROOT): links and ".." end there, and links of
// /proc that lead to other roots are refused. A file is first opened as a mere place (O_PATH), which touches nothing; only
// when it is a regular file it is opened for reading or writing, and by that very place, so that it cannot be exchanged
// in between: no FIFO to wait on, no device to set off.
import { constants, fstatSync, type Stats } from 'node:fs'
import { FCNTL, RESOLVE } from '../kernel/constants.js'
import { hasCode, invalidArgument, NsfdError } from '../kernel/errors.js'
import { close, open, openBelow } from '../kernel/syscalls.js'

const IN_ROOT = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS
const NEXT = {
  ELOOP: 'it leads through a link of /proc, which could lead out of the container, or through too many links',
  ENOSYS: 'it needs openat2(2), of Linux 5.6',
  EAGAIN: 'it was being moved about all the while',
}
/** A race with ".." makes openat2 give up (EAGAIN); creating races with others doing so. */
const ATTEMPTS = 16

/** A descriptor of a place (O_PATH): to look at, to open, or to go on from if it is a directory. */
export function openPlace(rootFd: number, path: string, flags = 0): number {
  return openInRoot(rootFd, path, FCNTL.O_PATH | flags)
}

/** The same, for a directory. */
export function openDirectory(rootFd: number, path: string): number {
  return openInRoot(rootFd, path, FCNTL.O_PATH | constants.O_DIRECTORY)
}

/** Opens an existing regular file. @throws ERR_NSFD_NOT_A_FILE for anything else, which is not opened then */
export function openFile(rootFd: number, path: string, flags: number): { fd: number; stats: Stats } {
  const place = openPlace(rootFd, path)
  try {
    return openFileAt(place, path, flags)
  } finally {
    close(place)
  }
}

/** The same, for a place that is open already. @param path for errors */
export function openFileAt(place: number, path: string, flags: number): { fd: number; stats: Stats } {
  const stats = fstatSync(place)
  if (!stats.isFile()) throw notAFile(path, stats)
  const asked = `cannot open '${path}' over there`
  return { fd: open(`/proc/self/fd/${place}`, flags | constants.O_NOCTTY | constants.O_NONBLOCK, { asked }), stats }
}

/** Opens a regular file for writing: an existing one is emptied, a new one gets this mode. */
export function openFileToWrite(rootFd: number, path: string, mode: number): { fd: number; created: boolean } {
  const existing = constants.O_WRONLY | constants.O_TRUNC
  const fresh = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  for (let attempt = 1; ; attempt++) {
    try {
      return { fd: openFile(rootFd, path, existing).fd, created: false }
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
    try {
      return { fd: openInRoot(rootFd, path, fresh, mode), created: true }
    } catch (error) {
      // Somebody made it meanwhile; or it is a link to nowhere, which stays so.
      if (!hasCode(error, 'EEXIST') || attempt === ATTEMPTS) throw error
    }
  }
}

export function notAFile(path: string, stats: Stats): NsfdError {
  return new NsfdError(`'${path}' over there is ${kindOfFile(stats)}, not a regular file, and was not opened`, {
    code: 'ERR_NSFD_NOT_A_FILE',
    path,
  })
}

export function kindOfFile(stats: Stats): string {
  if (stats.isFile()) return 'a file'
  if (stats.isDirectory()) return 'a directory'
  if (stats.isSymbolicLink()) return 'a link'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

function openInRoot(rootFd: number, path: string, flags: number, mode?: number): number {
  checkPath(path)
  const context = { asked: `cannot open '${path}' over there`, next: NEXT, ...(mode !== undefined && { mode }) }
  for (let attempt = 1; ; attempt++) {
    try {
      return openBelow(rootFd, path, flags, IN_ROOT, context)
    } catch (error) {
      if (!hasCode(error, 'EAGAIN') || attempt === ATTEMPTS) throw error
    }
  }
}

function checkPath(path: unknown): void {
  if (typeof path !== 'string' || path === '') throw invalidArgument('path', 'must be a path over there', path)
  if (path.includes('\0')) throw invalidArgument('path', 'must not contain NUL', path)
}
