// Pins: names that outlive the process, what stands in their way, and what a crash leaves.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { Namespace } from 'nsfd'
import { KIND_NAMES } from '#dist/namespace/kinds.js'
import { everyTestEndsAtHome } from '../support/home.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { leaveStaleFile } from '../support/stale.js'
import { descriptors, nsfsMounts } from '../support/state.js'

everyTestEndsAtHome()

const CREATABLE = KIND_NAMES.filter((kind) => kind !== 'pid')
/** Younger empty files may be the work in progress of an `ip netns add`. */
const OLDER_THAN_WORK_IN_PROGRESS_MS = 1100

for (const kind of CREATABLE) {
  test(`a ${kind} pin names the namespace, keeps it alive, and goes with unpin`, needs('admin'), () => {
    const name = uniqueName(kind)
    const made = Namespace.create(kind)
    const pin = made.pin(name)
    assert.deepEqual({ name: pin.name, kind: pin.kind, path: pin.path }, { name, kind, path: `/run/${kind}ns/${name}` })
    const { id } = made
    made.close()
    {
      using found = Namespace.named(name, kind)
      assert.deepEqual(found.id, id)
      assert.equal(found.name, name)
    }
    const listed = Namespace.list(kind).find((each) => each.name === name)
    assert.deepEqual(listed, { name, kind, path: pin.path, state: 'live', id })
    assert.ok(nsfsMounts().some((line) => line.endsWith(pin.path)))
    pin.unpin()
    assert.ok(!existsSync(pin.path))
    assert.ok(!nsfsMounts().some((line) => line.endsWith(pin.path)))
    assert.throws(() => Namespace.named(name, kind), { code: 'ENOENT', syscall: 'open' })
  })
}

test('a pid namespace of a running process can be pinned', needs('admin'), () => {
  const name = uniqueName('pid')
  using mine = Namespace.current('pid')
  using _pin = mine.pin(name)
  using found = Namespace.named(name, 'pid')
  assert.ok(found.equals(mine))
})

test('list() without a kind shows the pins of all kinds, and each kind its own only', needs('admin'), () => {
  const name = uniqueName('all')
  using net = Namespace.create('net')
  using uts = Namespace.create('uts')
  using _netPin = net.pin(name)
  using _utsPin = uts.pin(name)
  assert.deepEqual(
    Namespace.list()
      .filter((pin) => pin.name === name)
      .map((pin) => pin.kind),
    ['net', 'uts'],
  )
  assert.deepEqual(
    Namespace.list('uts')
      .filter((pin) => pin.name === name)
      .map((pin) => pin.kind),
    ['uts'],
  )
})

test('one namespace can have several names, and loses them one by one', needs('admin'), () => {
  const [first, second] = [uniqueName('a'), uniqueName('b')]
  const made = Namespace.create('net')
  using pinA = made.pin(first)
  const pinB = made.pin(second)
  made.close()
  pinB.unpin()
  using still = Namespace.named(first)
  assert.deepEqual(still.id, made.id)
  assert.equal(pinA.path, `/run/netns/${first}`)
})

test('the longest possible name is a name like any other', needs('admin'), () => {
  const name = uniqueName('long').padEnd(255, 'x')
  using made = Namespace.create('net')
  using _pin = made.pin(name)
  using found = Namespace.named(name)
  assert.ok(found.equals(made))
})

test('a taken name is EEXIST, and what it names stays', needs('admin'), () => {
  const name = uniqueName('taken')
  using first = Namespace.create('net')
  using second = Namespace.create('net')
  using _pin = first.pin(name)
  const before = descriptors()
  for (const claimant of [second, first]) {
    assert.throws(() => claimant.pin(name), {
      code: 'EEXIST',
      errno: -17,
      path: `/run/netns/${name}`,
      message: /nsfd rm/,
    })
  }
  assert.deepEqual(descriptors(), before)
  using found = Namespace.named(name)
  assert.ok(found.equals(first))
})

test('unpin of a name that is not there is ENOENT', needs('admin'), () => {
  for (const kind of CREATABLE) {
    assert.throws(() => Namespace.unpin(uniqueName('none'), kind), { code: 'ENOENT', errno: -2, message: /nsfd ls/ })
  }
  assert.throws(() => Namespace.unpin(uniqueName('none'), 'pid'), { code: 'ENOENT' })
})

test('unpin twice is ENOENT the second time; disposing after unpin says so too', needs('admin'), () => {
  using made = Namespace.create('net')
  const pin = made.pin(uniqueName())
  pin.unpin()
  assert.throws(() => pin.unpin(), { code: 'ENOENT' })
})

test('an empty file that a crash left is stale in the list, taken over by the next pin', needs('admin'), async () => {
  const name = uniqueName('stale')
  const path = leaveStaleFile('net', name)
  await olderThanWorkInProgress()
  assert.deepEqual(
    Namespace.list('net').find((pin) => pin.name === name),
    { name, kind: 'net', path, state: 'stale', id: undefined },
  )
  assert.throws(() => Namespace.named(name), { code: 'ERR_NSFD_NOT_A_NAMESPACE' })
  using made = Namespace.create('net')
  const pin = made.pin(name)
  {
    using found = Namespace.named(name)
    assert.ok(found.equals(made))
  }
  pin.unpin()
  assert.ok(!existsSync(path))
})

for (const mode of [0o000, 0o444, 0o644]) {
  test(`an empty file that a crash left is removed by unpin (mode ${mode.toString(8)})`, needs('admin'), () => {
    const name = uniqueName('stale')
    const path = leaveStaleFile('net', name, mode)
    Namespace.unpin(name)
    assert.ok(!existsSync(path))
  })
}

test(
  'an empty file that somebody makes a pin of this moment is waited for, not taken',
  needs('admin', 'iproute2'),
  () => {
    const name = uniqueName('fresh')
    const path = leaveStaleFile('net', name)
    using other = Namespace.create('net')
    const adding = `sleep 0.3; mount --bind /proc/${process.pid}/fd/${other.fd} ${path}`
    spawn('sh', ['-c', adding], { stdio: 'ignore' })
    using mine = Namespace.create('net')
    assert.throws(() => mine.pin(name), { code: 'EEXIST' })
    {
      using found = Namespace.named(name)
      assert.ok(found.equals(other))
    }
    Namespace.unpin(name)
  },
)

test('mounts stacked on one name by racing tools all go with one unpin', needs('admin'), () => {
  const name = uniqueName('stacked')
  using made = Namespace.create('net')
  const { path } = made.pin(name)
  execFileSync('mount', ['--bind', `/proc/${process.pid}/fd/${made.fd}`, path])
  Namespace.unpin(name)
  assert.ok(!existsSync(path))
  assert.ok(!nsfsMounts().some((line) => line.endsWith(path)))
})

test(
  'the mnt namespace one lives in cannot be pinned in itself: refused, with the reason, and no file left',
  needs('admin'),
  () => {
    const name = uniqueName('self')
    using home = Namespace.current('mnt')
    assert.throws(() => home.pin(name), { code: 'EINVAL', syscall: 'mount', kind: 'mnt', message: /older than itself/ })
    assert.ok(!existsSync(`/run/mntns/${name}`))
  },
)

test('a name that shell and terminal would misread is only a name', needs('admin'), () => {
  for (const tail of [' with spaces', '$(reboot)', '-rf', '*', 'сеть', '%s', '\\040']) {
    const name = uniqueName('odd') + tail
    using made = Namespace.create('net')
    using pin = made.pin(name)
    assert.equal(pin.path, `/run/netns/${name}`)
    assert.ok(Namespace.list('net').some((each) => each.name === name && each.state === 'live'))
  }
})

async function olderThanWorkInProgress(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, OLDER_THAN_WORK_IN_PROGRESS_MS))
}
