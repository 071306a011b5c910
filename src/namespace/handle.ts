// File handles: references that hold nothing and cannot come to mean another namespace. open_by_handle_at(2), Linux 6.18.
import { constants, readFileSync } from 'node:fs'
import { FCNTL } from '../kernel/constants.js'
import { errnoOf, invalidArgument, NsfdError, systemError } from '../kernel/errors.js'
import { errno, libc } from '../kernel/libc.js'

const MAX_HANDLE_SZ = 128
/** struct file_handle { unsigned int handle_bytes; int handle_type; unsigned char f_handle[]; } */
const HEADER = 8
const FORM = /^nsfs:([0-9a-f-]{36}):(\d{1,10}):([A-Za-z0-9_-]{1,172})$/

/** A string that fromHandle can turn back into a descriptor while the namespace lives and the machine is up. */
export function handleOf(fd: number): string {
  const handle = Buffer.alloc(HEADER + MAX_HANDLE_SZ)
  handle.writeUInt32LE(MAX_HANDLE_SZ, 0)
  if (libc().name_to_handle_at(fd, '', handle, [0], FCNTL.AT_EMPTY_PATH) === -1) {
    throw unsupported(errno(), 'name_to_handle_at')
  }
  const bytes = handle.subarray(HEADER, HEADER + handle.readUInt32LE(0))
  return `nsfs:${bootId()}:${handle.readInt32LE(4)}:${bytes.toString('base64url')}`
}

/** Opens the namespace a handle refers to. */
export function openHandle(text: string): number {
  const [, boot, type, bytes] = typeof text === 'string' ? (FORM.exec(text) ?? []) : []
  if (boot === undefined || type === undefined || bytes === undefined) {
    throw invalidArgument('handle', 'must be a string that handle() returned', text)
  }
  if (boot !== bootId()) throw gone('it is from before the last boot')
  const identifier = Buffer.from(bytes, 'base64url')
  const handle = Buffer.alloc(HEADER + identifier.length)
  handle.writeUInt32LE(identifier.length, 0)
  handle.writeUInt32LE(Number(type) >>> 0, 4)
  identifier.copy(handle, HEADER)
  const fd = libc().open_by_handle_at(FCNTL.FD_NSFS_ROOT, handle, constants.O_RDONLY | FCNTL.O_CLOEXEC)
  if (fd !== -1) return fd
  if (errno() === errnoOf('ESTALE')) throw gone('it was closed by everyone who held it')
  throw unsupported(errno(), 'open_by_handle_at')
}

// The kernel counts its namespace ids from boot, so a handle from another boot could mean another namespace.
function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
}

function gone(why: string): NsfdError {
  return new NsfdError(`ESTALE: the namespace of this handle does not live any more: ${why}`, {
    code: 'ESTALE',
    errno: -errnoOf('ESTALE'),
    syscall: 'open_by_handle_at',
  })
}

function unsupported(errnoValue: number, syscall: string): NsfdError {
  const older = 'handles of namespaces need Linux 6.18: keep the Namespace open, or pin it'
  return systemError(errnoValue, {
    syscall,
    asked: 'cannot use the handle of a namespace',
    next: {
      EOPNOTSUPP: older,
      EBADF: older,
      EINVAL: older,
      EPERM: 'opening by handle needs privileges over the namespace: run as root',
    },
  })
}
