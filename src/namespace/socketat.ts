// socketat: the eighth patch of the seed, which Linux never took.
import { SOCK_CLOEXEC } from '../kernel/constants.js'
import { invalidArgument, systemError } from '../kernel/errors.js'
import { errno, libc } from '../kernel/libc.js'
import * as syscalls from '../kernel/syscalls.js'
import { kindOf, wrongKind } from './identity.js'
import { ENTER_HELP } from './kinds.js'
import { Namespace } from './namespace.js'
import { goBack, goTo, whereabouts } from './thread.js'

/**
 * A socket in another network namespace, where it stays whoever uses it: three system calls, and the thread is back.
 * @param ns a net Namespace, or a descriptor of one
 * @param family AF_INET, AF_UNIX, AF_NETLINK, AF_PACKET, …
 * @param type SOCK_STREAM, SOCK_DGRAM, …, with SOCK_NONBLOCK or-ed if wanted; SOCK_CLOEXEC is always set
 * @param protocol 0 for the family's default
 * @returns a descriptor, the caller's to close: by close() of this package
 * @throws EPERM if the namespace may not be entered; what socket(2) throws; in all cases the thread is back at home
 * Source: the seed, `socketat(int nsfd, int family, int type, int protocol)`; socket(2), setns(2).
 */
export function socketat(ns: Namespace | number, family: number, type: number, protocol = 0): number {
  const target = typeof ns === 'number' ? checkDescriptor(ns) : netDescriptor(ns)
  if (!isCInt(family) || !isCInt(type) || !isCInt(protocol)) throw notNumbers(family, type, protocol)
  const from = whereabouts('net')
  const refused = goTo('net', target)
  if (refused !== 0) throw cannotEnter(refused, ns)
  const socket = libc().socket(family, type | SOCK_CLOEXEC, protocol)
  const failed = socket === -1 ? errno() : 0
  goBack('net', from)
  if (failed !== 0) throw cannotMake(failed, ns)
  return socket
}

/**
 * Gives a descriptor that socketat() made back. Faster than fs.closeSync(), which on a Worker also warns: Node expects it
 * to be given only what Node opened.
 * @throws EBADF if it is not open
 * Source: close(2).
 */
export function close(fd: number): void {
  if (!isCInt(fd) || fd < 0) throw invalidArgument('fd', 'must be a descriptor, a whole number from 0', fd)
  syscalls.close(fd)
}

function isCInt(value: unknown): boolean {
  return typeof value === 'number' && (value | 0) === value
}

function netDescriptor(ns: Namespace): number {
  if (!(ns instanceof Namespace)) throw invalidArgument('ns', 'must be a Namespace or a descriptor of one', ns)
  if (ns.kind !== 'net') throw wrongKind(String(ns), 'net', ns.kind)
  return ns.fd
}

/** setns(2) would take the descriptor of a process for its network namespace as well; we do not. */
function checkDescriptor(fd: number): number {
  if (!isCInt(fd) || fd < 0) throw invalidArgument('ns', 'must be a Namespace or a descriptor of one', fd)
  const kind = kindOf(fd)
  if (kind !== 'net') throw wrongKind(`descriptor ${fd}`, 'net', kind)
  return fd
}

function notNumbers(family: unknown, type: unknown, protocol: unknown): Error {
  const [name, value] = Object.entries({ family, type, protocol }).find(([, each]) => !isCInt(each)) as [
    string,
    unknown,
  ]
  return invalidArgument(name, 'must be a whole number, such as AF_INET, SOCK_STREAM or 0', value)
}

function cannotEnter(errnoValue: number, ns: Namespace | number): Error {
  const what = typeof ns === 'number' ? `the namespace of descriptor ${ns}` : String(ns)
  return systemError(errnoValue, { syscall: 'setns', kind: 'net', asked: `cannot enter ${what}`, next: ENTER_HELP })
}

function cannotMake(errnoValue: number, ns: Namespace | number): Error {
  return systemError(errnoValue, {
    syscall: 'socket',
    kind: 'net',
    asked: `cannot make a socket in ${typeof ns === 'number' ? `the namespace of descriptor ${ns}` : ns}`,
    next: {
      EMFILE: 'this process has too many descriptors open: close some, or raise ulimit -n',
      EAFNOSUPPORT: 'this kernel does not have that address family',
      EPERM: 'raw and packet sockets need CAP_NET_RAW over the namespace',
    },
  })
}
