// socketat: a socket of every family in another namespace, proven by the kernel; and every way it can fail.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  AF_VSOCK,
  Namespace,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  socketat,
} from 'nsfd'
import { close, pidfdOpen } from '#dist/kernel/syscalls.js'
import { everyTestEndsAtHome } from '../support/home.js'
import {
  listenAnywhere,
  namespaceOfSocket,
  netnsCookie,
  plainClose,
  plainSocket,
  socketFacts,
} from '../support/kernel.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { descriptors, flagsOf, placeOf } from '../support/state.js'

everyTestEndsAtHome()

const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const IPPROTO_ICMP = 1
const IPPROTO_TCP = 6
const IPPROTO_UDP = 17
const NETLINK_ROUTE = 0
/** ETH_P_ALL in network order; packet sockets do not tell it back. */
const ETH_P_ALL = 0x0300

const SOCKETS: Record<string, { family: number; type: number; protocol?: number; really?: number }> = {
  'inet stream': { family: AF_INET, type: SOCK_STREAM, really: IPPROTO_TCP },
  'inet datagram': { family: AF_INET, type: SOCK_DGRAM, really: IPPROTO_UDP },
  'inet raw': { family: AF_INET, type: SOCK_RAW, protocol: IPPROTO_ICMP },
  'inet6 stream': { family: AF_INET6, type: SOCK_STREAM, really: IPPROTO_TCP },
  'inet6 datagram': { family: AF_INET6, type: SOCK_DGRAM, really: IPPROTO_UDP },
  'inet6 raw': { family: AF_INET6, type: SOCK_RAW, protocol: IPPROTO_UDP },
  'unix stream': { family: AF_UNIX, type: SOCK_STREAM },
  'unix datagram': { family: AF_UNIX, type: SOCK_DGRAM },
  'unix seqpacket': { family: AF_UNIX, type: SOCK_SEQPACKET },
  'netlink route': { family: AF_NETLINK, type: SOCK_RAW, protocol: NETLINK_ROUTE },
  'packet raw': { family: AF_PACKET, type: SOCK_RAW, protocol: ETH_P_ALL, really: 0 },
  'packet datagram': { family: AF_PACKET, type: SOCK_DGRAM },
  'vsock stream': { family: AF_VSOCK, type: SOCK_STREAM },
}

for (const [what, { family, type, protocol = 0, really = protocol }] of Object.entries(SOCKETS)) {
  test(
    `a ${what} socket is made there, says the kernel, and the thread is at home`,
    socketsLike(family, type, protocol),
    () => {
      using there = Namespace.create('net')
      const home = placeOf('net')
      const socket = socketat(there, family, type, protocol)
      try {
        assert.equal(placeOf('net'), home)
        using its = Namespace.fromFd(namespaceOfSocket(socket))
        assert.equal(String(its), String(there))
        assert.deepEqual(socketFacts(socket), { family, type, protocol: really })
        assert.equal(flagsOf(socket) & O_CLOEXEC, O_CLOEXEC)
      } finally {
        close(socket)
      }
    },
  )
}

test('two sockets of one namespace share its cookie, and home has another', needs('admin'), () => {
  using there = Namespace.create('net')
  const sockets = [
    socketat(there, AF_INET, SOCK_STREAM),
    socketat(there.fd, AF_INET6, SOCK_DGRAM),
    plainSocket(AF_INET, SOCK_STREAM),
  ]
  const [first, second, atHome] = sockets.map(netnsCookie)
  sockets.map(plainClose)
  assert.equal(first, second)
  assert.notEqual(first, atHome)
})

test('home’s own namespace is as good as any', needs('admin'), () => {
  using home = Namespace.current('net')
  const socket = socketat(home, AF_INET, SOCK_STREAM)
  using its = Namespace.ofSocket(socket)
  assert.ok(its.equals(home))
  close(socket)
})

test('ss shows a listening socket in its namespace, and not at home', needs('admin', 'iproute2'), () => {
  const name = uniqueName('ss')
  using there = Namespace.create('net')
  using _pin = there.pin(name)
  const socket = socketat(there, AF_INET, SOCK_STREAM)
  const port = listenAnywhere(socket)
  const listening = (args: string[]) => execFileSync('ss', [...args, '-H', '-t', '-l', '-n'], { encoding: 'utf8' })
  assert.match(listening(['-N', name]), new RegExp(`:${port}\\s`))
  assert.doesNotMatch(listening([]), new RegExp(`:${port}\\s`))
  close(socket)
})

test('/proc shows a unix socket in the namespace it was made in, and only there', needs('admin'), () => {
  using there = Namespace.create('net')
  const socket = socketat(there, AF_UNIX, SOCK_STREAM)
  const inode = /\[(\d+)\]/.exec(readlinkSync(`/proc/self/fd/${socket}`))?.[1] as string
  const listed = (table: string) => table.split('\n').some((line) => line.split(/\s+/).includes(inode))
  const enter = [`--net=/proc/${process.pid}/fd/${there.fd}`, 'cat', '/proc/self/net/unix']
  assert.ok(listed(execFileSync('nsenter', enter, { encoding: 'utf8' })))
  assert.ok(!listed(readFileSync('/proc/thread-self/net/unix', 'utf8')))
  close(socket)
})

test('SOCK_NONBLOCK and SOCK_CLOEXEC may be or-ed; CLOEXEC is set either way', needs('admin'), () => {
  using there = Namespace.create('net')
  for (const flags of [0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC]) {
    const socket = socketat(there, AF_INET, SOCK_STREAM | flags)
    assert.equal(flagsOf(socket) & O_CLOEXEC, O_CLOEXEC)
    assert.equal(flagsOf(socket) & O_NONBLOCK, (flags & SOCK_NONBLOCK) === 0 ? 0 : O_NONBLOCK)
    close(socket)
  }
})

test('what socket(2) refuses is refused with its errno, by name, and the thread is at home', needs('admin'), () => {
  using there = Namespace.create('net')
  const home = placeOf('net')
  const before = descriptors()
  const asked = { syscall: 'socket', kind: 'net', message: /cannot make a socket in net:\[\d+\]/ }
  assert.throws(() => socketat(there, 9999, SOCK_STREAM), {
    ...asked,
    code: 'EAFNOSUPPORT',
    message: /does not have that address family/,
  })
  assert.throws(() => socketat(there, AF_INET, 999), { ...asked, code: 'EINVAL' })
  assert.throws(() => socketat(there, AF_INET, SOCK_STREAM, IPPROTO_UDP), { ...asked, code: 'EPROTONOSUPPORT' })
  assert.throws(() => socketat(there, AF_INET, SOCK_SEQPACKET), { ...asked, code: 'ESOCKTNOSUPPORT' })
  assert.throws(() => socketat(there, -1, SOCK_STREAM), { ...asked, code: 'EAFNOSUPPORT' })
  assert.equal(placeOf('net'), home)
  assert.deepEqual(descriptors(), before)
})

test('namespaces of another kind are refused before the thread moves', needs('admin'), () => {
  for (const kind of ['uts', 'ipc', 'mnt', 'user', 'cgroup', 'time', 'pid'] as const) {
    using other = Namespace.current(kind)
    assert.throws(() => socketat(other, AF_INET, SOCK_STREAM), {
      code: 'ERR_NSFD_WRONG_KIND',
      message: new RegExp(`is a ${kind} namespace, not a net`),
    })
    assert.throws(() => socketat(other.fd, AF_INET, SOCK_STREAM), {
      code: 'ERR_NSFD_WRONG_KIND',
      message: new RegExp(`is a ${kind} namespace, not a net`),
    })
  }
})

test('descriptors that are no namespace, closed or no descriptor at all are refused', needs('admin'), () => {
  using there = Namespace.create('net')
  const socket = socketat(there, AF_INET, SOCK_STREAM)
  assert.throws(() => socketat(socket, AF_INET, SOCK_STREAM), { code: 'ERR_NSFD_NOT_A_NAMESPACE' })
  close(socket)
  assert.throws(() => socketat(socket, AF_INET, SOCK_STREAM), { code: 'EBADF', syscall: 'fcntl' })
  const pidfd = pidfdOpen(process.pid) // setns(2) itself would take it for the network namespace of that process
  assert.throws(() => socketat(pidfd, AF_INET, SOCK_STREAM), { code: 'ERR_NSFD_NOT_A_NAMESPACE' })
  close(pidfd)
  for (const ns of [-1, 1.5, Number.NaN, 2 ** 31, '3', null, undefined, {}, { fd: there.fd, kind: 'net' }]) {
    assert.throws(() => socketat(ns as number, AF_INET, SOCK_STREAM), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})

test('a closed Namespace is refused with its own error', needs('admin'), () => {
  const there = Namespace.create('net')
  there.close()
  assert.throws(() => socketat(there, AF_INET, SOCK_STREAM), { code: 'ERR_NSFD_CLOSED' })
})

test('arguments that are no whole numbers never reach the kernel', needs('admin'), () => {
  using there = Namespace.create('net')
  for (const bad of ['2', 1.5, Number.NaN, 2 ** 31, null, {}, 2n]) {
    const worse = bad as number
    const refused = (name: string) => ({ code: 'ERR_INVALID_ARG_VALUE', message: new RegExp(`argument ${name} `) })
    assert.throws(() => socketat(there, worse, SOCK_STREAM), refused('family'))
    assert.throws(() => socketat(there, AF_INET, worse), refused('type'))
    assert.throws(() => socketat(there, AF_INET, SOCK_STREAM, worse), refused('protocol'))
  }
})

/** Kinds of socket this kernel or these rights do not allow at home are no failure of socketat. */
function socketsLike(family: number, type: number, protocol: number): { skip?: string } {
  const lacking = needs('admin')
  if (lacking.skip !== undefined) return lacking
  const socket = plainSocket(family, type, protocol)
  if (socket >= 0) {
    plainClose(socket)
    return {}
  }
  return { skip: `socket(2) of that kind fails at home with errno ${-socket}` }
}
