// A few system calls that do not go through nsfd, for a second opinion on what it did.
import { createRequire } from 'node:module'

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const libc = koffi.load(null)
const socket = libc.func('int socket(int, int, int)')
const close = libc.func('int close(int)')
const ioctl = libc.func('int ioctl(int, unsigned long, intptr_t)')
const getsockopt = libc.func('int getsockopt(int, int, int, void *, _Inout_ uint32_t *)')
const bind = libc.func('int bind(int, const void *, uint32_t)')
const listen = libc.func('int listen(int, int)')
const getsockname = libc.func('int getsockname(int, void *, _Inout_ uint32_t *)')
const fcntl = libc.func('int fcntl(int, int, int)')

const F_SETFD = 2
const O_CLOEXEC = 0o2000000
const SIOCGSKNS = 0x894c
const SOL_SOCKET = 1
const SO_NETNS_COOKIE = 71
const SO_DOMAIN = 39
const SO_TYPE = 3
const SO_PROTOCOL = 38

/** socket(2) where the thread stands; the errno with a minus where it fails. */
export function plainSocket(family: number, type: number, protocol = 0): number {
  const fd = socket(family, type | O_CLOEXEC, protocol)
  return fd === -1 ? -koffi.errno() : fd
}

export function plainClose(fd: number): void {
  if (close(fd) !== 0) throw new Error(`close(${fd}) failed with errno ${koffi.errno()}`)
}

/** Takes FD_CLOEXEC off a descriptor, as one that was handed down through exec has it. */
export function plainInheritable(fd: number): void {
  if (fcntl(fd, F_SETFD, 0) !== 0) throw new Error(`fcntl(${fd}) failed with errno ${koffi.errno()}`)
}

/** SIOCGSKNS: a descriptor of the network namespace a socket lives in. */
export function namespaceOfSocket(fd: number): number {
  const answer = ioctl(fd, SIOCGSKNS, 0) as number
  if (answer === -1) throw new Error(`SIOCGSKNS failed with errno ${koffi.errno()}`)
  return answer
}

/** SO_NETNS_COOKIE: a number for the network namespace a socket lives in, the same for all its sockets. */
export function netnsCookie(fd: number): bigint {
  return option(fd, SO_NETNS_COOKIE, 8).readBigUInt64LE(0)
}

/** Binds an AF_INET stream socket to 0.0.0.0 and a free port, and listens. Returns the port. */
export function listenAnywhere(fd: number): number {
  const address = Buffer.alloc(16)
  address.writeUInt16LE(2, 0)
  if (bind(fd, address, 16) !== 0 || listen(fd, 1) !== 0 || getsockname(fd, address, [16]) !== 0) {
    throw new Error(`bind, listen or getsockname failed with errno ${koffi.errno()}`)
  }
  return address.readUInt16BE(2)
}

/** What the kernel says a socket is. */
export function socketFacts(fd: number): { family: number; type: number; protocol: number } {
  const [family, type, protocol] = [SO_DOMAIN, SO_TYPE, SO_PROTOCOL].map((name) => option(fd, name, 4).readInt32LE(0))
  return { family, type, protocol } as { family: number; type: number; protocol: number }
}

function option(fd: number, name: number, length: number): Buffer {
  const value = Buffer.alloc(length)
  if (getsockopt(fd, SOL_SOCKET, name, value, [length]) !== 0) {
    throw new Error(`getsockopt(${name}) failed with errno ${koffi.errno()}`)
  }
  return value
}
