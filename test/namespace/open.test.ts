// Opening by path, descriptor and socket: what is no namespace is refused before it is touched.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AF_INET, Namespace, SOCK_STREAM, socketat } from 'nsfd'
import { close } from '#dist/kernel/syscalls.js'
import { everyTestEndsAtHome } from '../support/home.js'
import { plainClose, plainInheritable, plainSocket } from '../support/kernel.js'
import { needs } from '../support/needs.js'
import { descriptors, flagsOf } from '../support/state.js'

everyTestEndsAtHome()

const O_CLOEXEC = 0o2000000
const folder = mkdtempSync(join(tmpdir(), 'nsfd-test-'))
after(() => rmSync(folder, { recursive: true }))

writeFileSync(join(folder, 'file'), 'text')
writeFileSync(join(folder, 'empty'), '')
mkdirSync(join(folder, 'directory'))
execFileSync('mkfifo', [join(folder, 'fifo')])
symlinkSync('/proc/self/ns/net', join(folder, 'link-to-net'))
symlinkSync(join(folder, 'fifo'), join(folder, 'link-to-fifo'))
symlinkSync(join(folder, 'loop'), join(folder, 'loop'))

const OTHER_THINGS: Record<string, string> = {
  'a regular file': join(folder, 'file'),
  'an empty file': join(folder, 'empty'),
  'a directory': join(folder, 'directory'),
  'a FIFO': join(folder, 'fifo'),
  'a link to a FIFO': join(folder, 'link-to-fifo'),
  'a character device': '/dev/zero',
  'a terminal device': '/dev/tty',
  'a file of /proc': '/proc/self/status',
  'the directory of namespaces': '/proc/self/ns',
}

for (const [what, path] of Object.entries(OTHER_THINGS)) {
  test(`${what} is no namespace: refused at once, by name, with nothing left open`, { timeout: 5000 }, () => {
    const before = descriptors()
    assert.throws(
      () => Namespace.open(path),
      (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ERR_NSFD_NOT_A_NAMESPACE')
        assert.ok(error.message.includes(path))
        return true
      },
    )
    assert.deepEqual(descriptors(), before)
  })
}

test('paths that cannot be opened keep the error of the kernel, with what to try', () => {
  const missing = join(folder, 'missing')
  assert.throws(() => Namespace.open(missing), {
    code: 'ENOENT',
    errno: -2,
    syscall: 'open',
    path: missing,
    message: /nsfd ls/,
  })
  assert.throws(() => Namespace.open(join(folder, 'file', 'x')), { code: 'ENOTDIR', syscall: 'open' })
  assert.throws(() => Namespace.open(join(folder, 'loop')), { code: 'ELOOP', syscall: 'open' })
  assert.throws(() => Namespace.open(`/${'x'.repeat(5000)}`), { code: 'ENAMETOOLONG', syscall: 'open' })
})

test('what is no path never reaches the kernel', () => {
  for (const path of ['', '/proc/self/ns/net\0', 'a\0b', 7, undefined, null, {}, Buffer.from('/proc/self/ns/net')]) {
    assert.throws(() => Namespace.open(path as string), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})

test('a link to a namespace is opened as that namespace', () => {
  using home = Namespace.current('net')
  using linked = Namespace.open(join(folder, 'link-to-net'))
  assert.ok(linked.equals(home))
  assert.equal(flagsOf(linked.fd) & O_CLOEXEC, O_CLOEXEC)
})

test('fromFd takes over a descriptor, makes it CLOEXEC, and close() closes it', () => {
  const fd = openInheritable('/proc/self/ns/net')
  assert.equal(flagsOf(fd) & O_CLOEXEC, 0)
  const adopted = Namespace.fromFd(fd)
  assert.equal(adopted.fd, fd)
  assert.equal(adopted.kind, 'net')
  assert.equal(flagsOf(fd) & O_CLOEXEC, O_CLOEXEC)
  adopted.close()
  assert.ok(!descriptors().some((line) => line.startsWith(`${fd} ->`)))
})

test('fromFd refuses what is no namespace, and leaves it the caller’s', () => {
  const file = openSync(join(folder, 'file'), 'r')
  assert.throws(() => Namespace.fromFd(file), {
    code: 'ERR_NSFD_NOT_A_NAMESPACE',
    message: new RegExp(`descriptor ${file}`),
  })
  closeSync(file)
  const socket = plainSocket(AF_INET, SOCK_STREAM)
  assert.throws(() => Namespace.fromFd(socket), { code: 'ERR_NSFD_NOT_A_NAMESPACE' })
  plainClose(socket)
  assert.throws(() => Namespace.fromFd(socket), { code: 'EBADF' })
  for (const fd of [-1, 1.5, Number.NaN, 2 ** 31, 2 ** 32 + 1, '3', undefined, null]) {
    assert.throws(() => Namespace.fromFd(fd as number), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})

test('ofSocket: a server of Node’s own lives at home', needs('admin'), async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  try {
    using home = Namespace.current('net')
    using its = Namespace.ofSocket(fd)
    assert.ok(its.equals(home))
    assert.equal(flagsOf(its.fd) & O_CLOEXEC, O_CLOEXEC)
  } finally {
    server.close()
  }
})

test('ofSocket: a socket made elsewhere says where, and keeps that place alive', needs('admin'), () => {
  const made = Namespace.create('net')
  const socket = socketat(made, AF_INET, SOCK_STREAM)
  made.close()
  using its = Namespace.ofSocket(socket)
  assert.equal(String(its), String(made))
  close(socket)
})

test('ofSocket refuses files, closed descriptors and non-numbers', () => {
  const file = openSync(join(folder, 'file'), 'r')
  assert.throws(() => Namespace.ofSocket(file), { code: 'ENOTSOCK', errno: -88 })
  closeSync(file)
  assert.throws(() => Namespace.ofSocket(file), { code: 'EBADF', errno: -9 })
  using home = Namespace.current('net')
  assert.throws(() => Namespace.ofSocket(home.fd), { code: 'ENOTSOCK' })
  for (const fd of [-1, 1.5, Number.NaN, '3', undefined, null]) {
    assert.throws(() => Namespace.ofSocket(fd as number), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})

/** A descriptor without CLOEXEC, as one that came through exec would be. */
function openInheritable(path: string): number {
  const fd = openSync(path, 'r')
  plainInheritable(fd)
  return fd
}
