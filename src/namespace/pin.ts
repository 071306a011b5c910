// Pins: a bind mount that names a namespace and keeps it alive. For net, the very files of `ip netns`. ip-netns(8).
import { constants, lstatSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FCNTL, MOUNT } from '../kernel/constants.js'
import { errnoOf, hasCode, NsfdError } from '../kernel/errors.js'
import { errno, libc } from '../kernel/libc.js'
import { close, isNsfs, mount, open, tryLock, unmount } from '../kernel/syscalls.js'
import { idOf, type NamespaceId } from './identity.js'
import { checkKind, KIND_NAMES, KINDS, type Kind } from './kinds.js'
import { checkPinName, pinPath } from './names.js'

/** One name under /run/<kind>ns. A stale one is a file that names nothing: somebody was interrupted half-way. */
export type PinInfo = {
  name: string
  kind: Kind
  path: string
  state: 'live' | 'stale'
  /** Of the namespace; undefined where the pin is stale. */
  id: NamespaceId | undefined
}

/** A pin that was just made. */
export type Pin = Disposable & {
  readonly name: string
  readonly kind: Kind
  readonly path: string
  /** Takes the name away again, as disposing does. The Namespace stays open. */
  unpin(): void
}

type Found =
  | { state: 'live'; id: NamespaceId; link: boolean }
  | { state: 'stale'; ageMs: number }
  | { state: 'foreign' }

const UMOUNT_NOFOLLOW = 8
const LOCK_PATIENCE_MS = 5000
/** `ip netns add` makes its file and mounts on it without our lock: a younger empty file may be its work in progress. */
const HALF_WAY_MS = 1000

const PIN_HELP = {
  EPERM: 'pinning needs CAP_SYS_ADMIN over this mount namespace: run as root, or nsfd --rootless …',
  EACCES: 'pinning needs root: run as root, or nsfd --rootless …',
  EINVAL: 'a mount namespace can only be pinned from a mount namespace older than itself',
  EROFS: '/run is mounted read-only',
}

/** Gives fd's namespace a name. @throws NsfdError EEXIST if the name is taken by a living pin. Returns its path. */
export function pin(fd: number, kind: Kind, name: string): string {
  const path = pinPath(name, kind)
  const asked = `cannot pin a ${kind} namespace as '${name}'`
  explained(asked, () => prepareDirectory(kind))
  return withLock(kind, () => {
    explained(asked, () => claim(path, name, kind))
    try {
      mount(`/proc/self/fd/${fd}`, path, 'none', MOUNT.MS_BIND, { kind, asked, next: PIN_HELP })
    } catch (error) {
      unlinkSync(path)
      throw error
    }
    return path
  })
}

/** Removes a name; the namespace goes when nothing else holds it. Also clears a stale one away. */
export function unpin(name: string, kind: Kind): void {
  const path = pinPath(name, checkKind(kind))
  const asked = `cannot remove the ${kind} pin '${name}'`
  if (look(path) === undefined) throw noSuchPin(name, kind, path)
  withLock(kind, () => {
    const found = look(path)
    if (found === undefined) throw noSuchPin(name, kind, path)
    if (found.state === 'foreign') {
      throw new NsfdError(`${asked}: '${path}' is not a pin, and nsfd leaves it alone`, {
        code: 'ERR_NSFD_NOT_A_NAMESPACE',
        path,
      })
    }
    if (found.state === 'live' && !found.link) {
      while (unmount(path, MOUNT.MNT_DETACH | UMOUNT_NOFOLLOW, { kind, asked, next: PIN_HELP })) {
        // Two racing tools can have stacked mounts on one name; all of them are this pin.
      }
    }
    explained(asked, () => unlinkSync(path))
  })
}

/** The pins of one kind, or of all eight, by name. */
export function listPins(kind?: Kind): PinInfo[] {
  const kinds = kind === undefined ? KIND_NAMES : [checkKind(kind)]
  return kinds.flatMap((each) => namesIn(KINDS[each].directory).flatMap((name) => describe(name, each)))
}

function describe(name: string, kind: Kind): PinInfo[] {
  const path = join(KINDS[kind].directory, name)
  const found = look(path)
  if (found === undefined || found.state === 'foreign') return []
  return [{ name, kind, path, state: found.state, id: found.state === 'live' ? found.id : undefined }]
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** What stands at a path, asked of the kernel: a namespace, an empty file left behind, something else, or nothing. */
function look(path: string): Found | undefined {
  const own = lstatSync(path, { throwIfNoEntry: false })
  if (own === undefined) return undefined
  const link = own.isSymbolicLink()
  if (!link && !own.isFile()) return { state: 'foreign' }
  let fd: number
  try {
    fd = open(path, FCNTL.O_PATH)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EACCES', 'ELOOP')) throw error
    return link ? { state: 'stale', ageMs: Number.POSITIVE_INFINITY } : undefined
  }
  try {
    if (isNsfs(fd)) return { state: 'live', id: idOf(fd), link }
  } finally {
    close(fd)
  }
  // Files of /proc have size 0 too: what is mounted over a name is somebody's, whatever its size.
  const leftBehind = !link && own.size === 0 && own.dev === lstatSync(dirname(path)).dev
  return leftBehind ? { state: 'stale', ageMs: Date.now() - own.ctimeMs } : { state: 'foreign' }
}

/** Makes the empty file to mount on, or takes over one that a crash left behind. */
function claim(path: string, name: string, kind: Kind): void {
  for (;;) {
    try {
      close(open(path, constants.O_RDONLY | constants.O_CREAT | constants.O_EXCL))
      return
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    const found = look(path)
    if (found === undefined) continue
    if (found.state !== 'stale') throw nameTaken(path, name, kind)
    if (found.ageMs >= HALF_WAY_MS) {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(path)
      else return
    } else sleep(20)
  }
}

/**
 * The directory as `ip netns add` leaves it: a mount of its own, shared, so that pins reach every mount namespace.
 * For mnt it is private: a mount namespace cannot be pinned where the mount would be copied into itself.
 */
function prepareDirectory(kind: Kind): void {
  const { directory } = KINDS[kind]
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  const propagation = kind === 'mnt' ? MOUNT.MS_PRIVATE : MOUNT.MS_SHARED
  if (setPropagation(directory, propagation)) return
  withLock(kind, () => {
    if (setPropagation(directory, propagation)) return
    mount(directory, directory, 'none', MOUNT.MS_BIND | MOUNT.MS_REC, { kind, next: PIN_HELP })
    setPropagation(directory, propagation)
  })
}

/** False where directory is no mount point yet. */
function setPropagation(directory: string, propagation: number): boolean {
  if (libc().mount('', directory, 'none', propagation | MOUNT.MS_REC, null) !== -1) return true
  if (errno() === errnoOf('EINVAL')) return false
  const code = errno() === errnoOf('EPERM') ? 'EPERM' : 'EACCES'
  throw new NsfdError(`${code}: cannot prepare ${directory}; ${PIN_HELP[code]}`, {
    code,
    errno: -errno(),
    syscall: 'mount',
    path: directory,
  })
}

/** One writer a kind, by flock(2) on the directory, as iproute2 does; the kernel unlocks when the holder dies. */
function withLock<T>(kind: Kind, work: () => T): T {
  const { directory } = KINDS[kind]
  const lock = open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const deadline = Date.now() + LOCK_PATIENCE_MS
    while (!tryLock(lock, { path: directory })) {
      if (Date.now() > deadline) {
        throw new NsfdError(
          `EAGAIN: another process has held the lock on ${directory} for ${LOCK_PATIENCE_MS / 1000} s: see lslocks(8)`,
          { code: 'EAGAIN', syscall: 'flock', path: directory },
        )
      }
      sleep(2)
    }
    return work()
  } finally {
    close(lock)
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Adds what was asked, and what to try, to the errors of plain file operations. */
function explained<T>(asked: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!hasCode(cause, 'EACCES', 'EPERM', 'EROFS')) throw cause
    const { code = '', errno, syscall, path } = cause
    const help = PIN_HELP[code as keyof typeof PIN_HELP]
    throw new NsfdError(`${code}: ${asked}: ${help}`, { code, errno, syscall, path, cause })
  }
}

function nameTaken(path: string, name: string, kind: Kind): NsfdError {
  return new NsfdError(
    `EEXIST: there is already a ${kind} pin '${checkPinName(name)}': choose another name, or remove it with nsfd rm`,
    { code: 'EEXIST', errno: -errnoOf('EEXIST'), syscall: 'open', path, kind },
  )
}

function noSuchPin(name: string, kind: Kind, path: string): NsfdError {
  return new NsfdError(`ENOENT: there is no ${kind} pin '${name}': nsfd ls shows which there are`, {
    code: 'ENOENT',
    errno: -errnoOf('ENOENT'),
    syscall: 'open',
    path,
    kind,
  })
}
