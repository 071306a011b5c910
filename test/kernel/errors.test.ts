// Errors have Node's shape, and say what was asked, why it was refused and what to try next.
import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { constants } from 'node:os'
import { test } from 'node:test'
import { hasCode, invalidArgument, NsfdError, systemError } from '#dist/kernel/errors.js'
import {
  close,
  duplicate,
  isOpen,
  open,
  pidfdAlive,
  pidfdOpen,
  pipe,
  requireDescriptors,
  unmount,
} from '#dist/kernel/syscalls.js'
import { descriptors, flagsOf } from '../support/state.js'

const O_CLOEXEC = 0o2000000

test('an error of the kernel has code, errno and syscall as Node’s own has', () => {
  const path = '/nowhere/at/all'
  const theirs = failure(() => openSync(path, 'r'))
  const ours = failure(() => open(path, 0))
  assert.ok(ours instanceof NsfdError)
  for (const field of ['code', 'errno', 'syscall', 'path'] as const) assert.equal(ours[field], theirs[field], field)
})

test('every errno of this system becomes a name and a sentence', () => {
  for (const [code, number] of Object.entries(constants.errno)) {
    const error = systemError(number, { syscall: 'setns', asked: 'cannot do it' })
    assert.equal(error.errno, -number)
    assert.equal(constants.errno[error.code as keyof typeof constants.errno], number, code)
    assert.match(error.message, /^E[A-Z0-9]+: .+, setns: cannot do it$/)
  }
  assert.equal(systemError(5000, { syscall: 'setns' }).code, 'E5000')
})

test('what to try next follows only where there is something for that errno', () => {
  const next = { EPERM: 'run as root' }
  assert.match(systemError(1, { syscall: 'setns', next }).message, /; run as root$/)
  assert.doesNotMatch(systemError(2, { syscall: 'setns', next }).message, /root/)
})

test('a refused argument is shown, but a long one not in full', () => {
  assert.match(invalidArgument('name', 'must be short', 'x'.repeat(1000)).message, /"x{80}…"$/)
  assert.match(invalidArgument('ns', 'must be one', new Map()).message, /an instance of Map$/)
  assert.match(invalidArgument('ns', 'must be one', Object.create(null)).message, /received/)
  assert.match(invalidArgument('pid', 'must be one', 1n).message, /1$/)
})

test('hasCode knows errors only', () => {
  assert.ok(hasCode(systemError(1, { syscall: 'x' }), 'ENOENT', 'EPERM'))
  for (const other of [undefined, null, 'EPERM', { code: 'EPERM' }, new Error('EPERM')])
    assert.ok(!hasCode(other, 'EPERM'))
})

test('every way to a descriptor is CLOEXEC', () => {
  const { read, write } = pipe()
  const fds = [read, write, duplicate(read), open('/dev/null', 0), pidfdOpen(process.pid)]
  for (const fd of fds) assert.equal(flagsOf(fd) & O_CLOEXEC, O_CLOEXEC)
  for (const fd of fds) close(fd)
  for (const fd of fds) assert.ok(!isOpen(fd))
  assert.throws(() => close(read), { code: 'EBADF', syscall: 'close' })
})

test('requireDescriptors leaves none open, whether they are there or not', () => {
  const before = descriptors()
  requireDescriptors(40)
  assert.throws(() => requireDescriptors(10_000_000), { code: /^(EMFILE|ENFILE)$/ })
  assert.deepEqual(descriptors(), before)
})

test('unmounting what is no mount point is false, and what does not exist is ENOENT', (t) => {
  if (process.getuid?.() !== 0) return t.skip('umount2 is EPERM for ordinary users whatever they name')
  assert.equal(unmount('/proc/self/status', 8), false)
  assert.throws(() => unmount('/nowhere/at/all', 8), { code: 'ENOENT', syscall: 'umount2', path: '/nowhere/at/all' })
})

test('pidfdAlive tells the living', () => {
  const pidfd = pidfdOpen(process.pid)
  assert.ok(pidfdAlive(pidfd))
  close(pidfd)
})

function failure(work: () => unknown): NodeJS.ErrnoException {
  try {
    work()
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('it did not fail')
}
