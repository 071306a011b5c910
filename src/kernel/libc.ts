// The C library through koffi: every function nsfd calls is declared here, once. No other file knows koffi.
import { createRequire } from 'node:module'
import { NsfdError } from './errors.js'

type Koffi = typeof import('koffi')
type Call = (...args: never[]) => number

const declarations = {
  open: 'int open(const char *path, int flags, int mode)',
  setns: 'int setns(int fd, int nstype)',
  unshare: 'int unshare(int flags)',
  socket: 'int socket(int family, int type, int protocol)',
  close: 'int close(int fd)',
  ioctl: 'int ioctl(int fd, unsigned long request, void *argument)',
  fcntl: 'int fcntl(int fd, int command, int argument)',
  flock: 'int flock(int fd, int operation)',
  fstatfs: 'int fstatfs(int fd, void *statfs)',
  mount: 'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  umount2: 'int umount2(const char *target, int flags)',
  name_to_handle_at: 'int name_to_handle_at(int dirfd, const char *path, void *handle, _Out_ int *mountId, int flags)',
  open_by_handle_at: 'int open_by_handle_at(int mountFd, void *handle, int flags)',
  bind: 'int bind(int fd, void *address, uint32_t length)',
  connect: 'int connect(int fd, void *address, uint32_t length)',
  send: 'intptr_t send(int fd, void *bytes, size_t length, int flags)',
  recv: 'intptr_t recv(int fd, void *bytes, size_t length, int flags)',
  recvmmsg: 'int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout)',
  setsockopt: 'int setsockopt(int fd, int level, int name, void *value, uint32_t length)',
  getsockopt: 'int getsockopt(int fd, int level, int name, void *value, _Inout_ uint32_t *length)',
  pipe2: 'int pipe2(_Out_ int *fds, int flags)',
  execvp: 'int execvp(const char *file, const char **argv)',
  signal: 'intptr_t signal(int signal, intptr_t handler)',
  memfd_create: 'int memfd_create(const char *name, uint flags)',
  sched_setaffinity: 'int sched_setaffinity(int pid, size_t size, void *mask)',
  abort: 'void abort()',
} as const

/** Calls that glibc or musl may lack a wrapper for, by number; the same on every architecture nsfd runs on. */
const numbered = {
  pidfd_send_signal: [424, ['int', 'int', 'intptr_t', 'uint']],
  pidfd_open: [434, ['int', 'uint']],
  openat2: [437, ['int', 'str', 'void *', 'size_t']],
} as const

/** The same function with another type for an argument that C leaves open. */
const aliases = {
  ioctlNumber: ['ioctl', 'int', ['int', 'unsigned long', 'intptr_t']],
} as const

export type Libc = {
  open(path: string, flags: number, mode: number): number
  setns(fd: number, nstype: number): number
  unshare(flags: number): number
  socket(family: number, type: number, protocol: number): number
  close(fd: number): number
  ioctl(fd: number, request: number, argument: Buffer | null): number
  ioctlNumber(fd: number, request: number, argument: number): number
  fcntl(fd: number, command: number, argument: number): number
  flock(fd: number, operation: number): number
  fstatfs(fd: number, statfs: Buffer): number
  mount(source: string | null, target: string, type: string | null, flags: number, data: string | null): number
  umount2(target: string, flags: number): number
  name_to_handle_at(dirfd: number, path: string, handle: Buffer, mountId: number[], flags: number): number
  open_by_handle_at(mountFd: number, handle: Buffer, flags: number): number
  bind(fd: number, address: Buffer, length: number): number
  connect(fd: number, address: Buffer, length: number): number
  send(fd: number, bytes: Buffer, length: number, flags: number): number
  recv(fd: number, bytes: Buffer, length: number, flags: number): number
  recvmmsg(fd: number, messages: Buffer, count: number, flags: number, timeout: null): number
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: number[]): number
  pipe2(fds: number[], flags: number): number
  execvp(file: string, argv: (string | null)[]): number
  signal(signal: number, handler: number): number
  memfd_create(name: string, flags: number): number
  sched_setaffinity(pid: number, size: number, mask: Buffer): number
  abort(): never
  pidfd_send_signal(pidfd: number, signal: number, info: number, flags: number): number
  pidfd_open(pid: number, flags: number): number
  openat2(dirfd: number, path: string, how: Buffer, size: number): number
}

let koffi: Koffi | undefined
let loaded: Libc | undefined

/**
 * The C library's functions, bound on the first call. They return what C returns (-1 for failure) and throw nothing:
 * the wrappers in syscalls.ts do that.
 * @throws NsfdError ERR_NSFD_PLATFORM on anything but Linux, ERR_NSFD_FFI where koffi cannot be loaded.
 */
export function libc(): Libc {
  loaded ??= load()
  return loaded
}

type PoolCall<A> = {
  async(...args: [...(A extends unknown[] ? A : never), (error: unknown, result: number) => void]): void
}

/**
 * Makes one call on a thread of libuv's pool, for calls that may wait in the kernel. Buffers among the arguments must be
 * left alone until it is done. It keeps the process alive while it runs, as every request of Node's does.
 */
export function onPool<N extends 'send' | 'recvmmsg' | 'ioctl' | 'ioctlNumber'>(
  name: N,
  ...args: Parameters<Libc[N]>
): Promise<{ result: number; errno: number }> {
  const call = libc()[name] as unknown as PoolCall<Parameters<Libc[N]>>
  return new Promise((resolve, reject) => {
    call.async(...args, (error, result) => {
      if (error) reject(error)
      else resolve({ result, errno: result === -1 ? errno() : 0 })
    })
  })
}

/** Where a Buffer's bytes are, for structs that point to them. They stay there while the Buffer lives. */
export function addressOf(bytes: Buffer): bigint {
  libc()
  return BigInt((koffi as Koffi).address(bytes))
}

/** The errno of the last call made through libc() on this thread. */
export function errno(): number {
  return koffi ? koffi.errno() : 0
}

function load(): Libc {
  if (process.platform !== 'linux') {
    throw new NsfdError(`nsfd needs Linux: namespaces do not exist on ${process.platform}`, {
      code: 'ERR_NSFD_PLATFORM',
    })
  }
  koffi = loadKoffi()
  // dlopen(NULL): the C library this Node itself runs on, glibc or musl, whatever its file is called.
  const self = koffi.load(null)
  const bound: Record<string, Call> = {}
  for (const [name, declaration] of Object.entries(declarations)) bound[name] = self.func(declaration)
  for (const [name, [number, types]] of Object.entries(numbered)) {
    const syscall = self.func('syscall', 'long', ['long', ...types])
    bound[name] = (...args: never[]) => Number(syscall(number, ...args))
  }
  for (const [name, [symbol, result, types]] of Object.entries(aliases)) {
    bound[name] = self.func(symbol, result, [...types])
  }
  return bound as unknown as Libc
}

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi
  } catch (cause) {
    const machine = `${process.platform} ${process.arch}`
    const message = `nsfd cannot call the C library: koffi does not load on ${machine} (${(cause as Error).message.split('\n')[0]}); reinstall without --omit=optional, and with --allow-addons if Node's permission model is on`
    throw new NsfdError(message, { code: 'ERR_NSFD_FFI', cause })
  }
}
