// All eight kinds: create, identity, kinship, descriptors, closing.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readlinkSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { type Kind, Namespace } from 'nsfd'
import { KIND_NAMES } from '#dist/namespace/kinds.js'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { descriptors, flagsOf, placeOf } from '../support/state.js'

everyTestEndsAtHome()

const O_CLOEXEC = 0o2000000
/** Where setgroups(2) is denied, as in a user namespace made without root, nsenter may not reset groups. */
const KEEP = ['--preserve-credentials']
const CREATABLE = KIND_NAMES.filter((kind) => kind !== 'pid')

for (const kind of KIND_NAMES) {
  test(`current('${kind}') is what /proc says, and the kernel's own form is its string`, () => {
    using home = Namespace.current(kind)
    assert.equal(home.kind, kind)
    assert.equal(String(home), readlinkSync(`/proc/self/ns/${kind}`))
    const { dev, ino } = statSync(`/proc/self/ns/${kind}`, { bigint: true })
    assert.deepEqual(home.id, { dev, ino })
    assert.equal(flagsOf(home.fd) & O_CLOEXEC, O_CLOEXEC)
  })
}

for (const kind of CREATABLE) {
  test(
    `create('${kind}') makes a new one, held by a CLOEXEC descriptor alone, and the thread stays`,
    needs('admin'),
    () => {
      const before = placeOf(kind)
      using first = Namespace.create(kind)
      using second = Namespace.create(kind)
      using home = Namespace.current(kind)
      assert.equal(first.kind, kind)
      assert.ok(!first.equals(home) && !first.equals(second))
      assert.notEqual(first.id.ino, second.id.ino)
      assert.equal(readlinkSync(`/proc/self/fd/${first.fd}`), String(first))
      assert.equal(flagsOf(first.fd) & O_CLOEXEC, O_CLOEXEC)
      assert.equal(placeOf(kind), before)
    },
  )

  test(`a process can be put into what create('${kind}') made`, needs('admin'), () => {
    using made = Namespace.create(kind)
    const flag = {
      net: '--net',
      uts: '--uts',
      ipc: '--ipc',
      mnt: '--mount',
      user: '--user',
      cgroup: '--cgroup',
      time: '--time',
    }
    const at = `${flag[kind as keyof typeof flag]}=/proc/${process.pid}/fd/${made.fd}`
    const inside = execFileSync('nsenter', [at, ...KEEP, '--', 'readlink', `/proc/self/ns/${kind}`], {
      encoding: 'utf8',
    })
    assert.equal(inside.trim(), String(made))
  })
}

test('create(pid) says that a pid namespace needs an init, and points to spawn', () => {
  const before = descriptors()
  assert.throws(() => Namespace.create('pid'), {
    code: 'ERR_NSFD_NEEDS_INIT',
    kind: 'pid',
    message: /init.*spawn\(\)/s,
  })
  assert.deepEqual(descriptors(), before)
})

test('mounts made in a created mnt namespace do not reach home', needs('admin'), () => {
  using made = Namespace.create('mnt')
  const at = `--mount=/proc/${process.pid}/fd/${made.fd}`
  const inside = execFileSync('nsenter', [
    at,
    '--',
    'sh',
    '-c',
    'mount -t tmpfs nsfd-test /mnt && cat /proc/self/mounts',
  ])
  assert.match(String(inside), /^nsfd-test \/mnt tmpfs/m)
  assert.doesNotMatch(String(execFileSync('cat', ['/proc/self/mounts'])), /nsfd-test/)
})

test('root inside a created user namespace is whoever called', needs('admin', 'userns'), () => {
  using made = Namespace.create('user')
  const at = `--user=/proc/${process.pid}/fd/${made.fd}`
  assert.equal(String(execFileSync('nsenter', [at, ...KEEP, '--', 'id', '-u'])).trim(), '0')
  assert.equal(made.ownerUid(), process.getuid?.())
})

test('equals goes by the namespace, not by the descriptor or the way it was opened', needs('admin'), () => {
  using made = Namespace.create('net')
  using again = Namespace.open(`/proc/self/fd/${made.fd}`)
  using cloned = made.clone()
  using home = Namespace.current('net')
  assert.notEqual(again.fd, made.fd)
  assert.notEqual(cloned.fd, made.fd)
  assert.ok(made.equals(again) && again.equals(made) && cloned.equals(made))
  assert.ok(!made.equals(home))
  assert.equal(flagsOf(cloned.fd) & O_CLOEXEC, O_CLOEXEC)
  for (const other of [undefined, null, 7, {}, { kernelId: made.kernelId, id: made.id }]) {
    assert.equal(made.equals(other as unknown as Namespace), false)
  }
})

test('a clone lives on when the original is closed', needs('admin'), () => {
  const made = Namespace.create('uts')
  using cloned = made.clone()
  made.close()
  assert.equal(readlinkSync(`/proc/self/fd/${cloned.fd}`), String(cloned))
})

test('owner: what this process creates is owned by its user namespace', needs('admin'), () => {
  using user = Namespace.current('user')
  for (const kind of ['net', 'uts', 'ipc', 'mnt', 'cgroup', 'time'] as Kind[]) {
    using made = Namespace.create(kind)
    using owner = made.owner()
    assert.equal(owner.kind, 'user')
    assert.ok(owner.equals(user))
    assert.equal(flagsOf(owner.fd) & O_CLOEXEC, O_CLOEXEC)
    assert.equal(made.ownerUid(), user.ownerUid())
  }
})

test('parent: a user namespace has one, and it is the one it was created in', needs('admin', 'userns'), () => {
  using here = Namespace.current('user')
  using made = Namespace.create('user')
  using parent = made.parent()
  assert.equal(parent.kind, 'user')
  assert.ok(parent.equals(here))
  assert.equal(flagsOf(parent.fd) & O_CLOEXEC, O_CLOEXEC)
})

test('parent: kinds without a hierarchy say so; the outermost is refused with EPERM', () => {
  for (const kind of ['net', 'uts', 'ipc', 'mnt', 'cgroup', 'time'] as Kind[]) {
    using home = Namespace.current(kind)
    assert.throws(() => home.parent(), { code: 'EINVAL', kind, message: /only pid and user namespaces/ })
  }
  using user = Namespace.current('user')
  assert.throws(() => user.parent(), { code: 'EPERM', syscall: 'ioctl', message: /parent of user:\[\d+\]/ })
})

test('a closed Namespace refuses everything with its own error, and closing twice is nothing', needs('admin'), () => {
  const made = Namespace.create('net')
  const { fd } = made
  made.close()
  made.close()
  made[Symbol.dispose]()
  assert.equal(made.closed, true)
  const closed = { code: 'ERR_NSFD_CLOSED', message: /net:\[\d+\] is closed/ }
  const uses = [
    () => made.fd,
    () => made.owner(),
    () => made.ownerUid(),
    () => made.pin('nsfd-never'),
    () => made.handle(),
    () => made.clone(),
    () => made.use(),
  ]
  for (const use of uses) assert.throws(use, closed)
  assert.ok(!descriptors().some((line) => line === `${fd} -> ${made}`))
  assert.match(inspect(made), /^Namespace \{ net:\[\d+\], closed \}$/)
})

test('closing gives back the descriptor once: a number that was reused meanwhile stays open', needs('admin'), () => {
  using home = Namespace.current('uts')
  const made = Namespace.create('net')
  const { fd } = made
  made.close()
  using reused = home.clone()
  assert.equal(reused.fd, fd, 'the kernel gives the lowest number')
  made.close()
  assert.equal(readlinkSync(`/proc/self/fd/${fd}`), String(reused))
})

test('a descriptor in use when closed is given back by the last user', needs('admin'), () => {
  const made = Namespace.create('net')
  const fd = made.use()
  made.close()
  assert.equal(readlinkSync(`/proc/self/fd/${fd}`), String(made))
  made.done()
  assert.ok(!descriptors().some((line) => line.endsWith(String(made))))
})

test('nobody can make a Namespace with new', () => {
  const Made = Namespace as unknown as new (...args: unknown[]) => Namespace
  assert.throws(() => new Made(), TypeError)
  assert.throws(() => new Made(Symbol('x'), 0, 'net'), TypeError)
})
