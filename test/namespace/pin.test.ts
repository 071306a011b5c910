// Pins: names that outlive the process, what stands in their way, and what a crash leaves.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Kind, Namespace } from 'nsfd'
import { KIND_NAMES, KINDS } from '#dist/namespace/kinds.js'
import { everyTestEndsAtHome } from '../support/home.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
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

const FOREIGN: Record<string, (path: string) => void> = {
  'a file with content': (path) => writeFileSync(path, 'somebody’s notes'),
  'a directory': (path) => mkdirSync(path),
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a link to a file': (path) => symlinkSync('/proc/self/status', path),
}

for (const [what, make] of Object.entries(FOREIGN)) {
  test(
    `${what} in the directory of pins is not ours: not listed, not opened, not pinned over, not removed`,
    needs('admin'),
    () => {
      const name = uniqueName('foreign')
      const path = `/run/netns/${name}`
      using made = Namespace.create('net')
      made.pin(uniqueName('prepare')).unpin()
      make(path)
      const before = lstatSync(path)
      try {
        assert.ok(!Namespace.list().some((pin) => pin.path === path))
        assert.throws(() => Namespace.named(name), { code: 'ERR_NSFD_NOT_A_NAMESPACE' })
        assert.throws(() => made.pin(name), { code: 'EEXIST' })
        assert.throws(() => Namespace.unpin(name), {
          code: 'ERR_NSFD_NOT_A_NAMESPACE',
          path,
          message: /leaves it alone/,
        })
        const now = lstatSync(path)
        assert.deepEqual(
          [now.ino, now.mode, now.size, now.mtimeMs],
          [before.ino, before.mode, before.size, before.mtimeMs],
        )
      } finally {
        rmSync(path, { recursive: true })
      }
    },
  )
}

test('a file mounted over by something else is not ours: it is neither unmounted nor removed', needs('admin'), () => {
  const name = uniqueName('mounted')
  const path = leaveStaleFile('net', name)
  execFileSync('mount', ['--bind', `/proc/${process.pid}/status`, path])
  try {
    using made = Namespace.create('net')
    assert.ok(!Namespace.list('net').some((pin) => pin.name === name))
    assert.throws(() => made.pin(name), { code: 'EEXIST' })
    assert.throws(() => Namespace.unpin(name), { code: 'ERR_NSFD_NOT_A_NAMESPACE' })
    assert.match(readFileSync(path, 'utf8'), /^Name:/)
  } finally {
    execFileSync('umount', [path])
    rmSync(path)
  }
})

test(
  'a symbolic link to a namespace, as people make for containers, is a pin; unpin removes the link alone',
  needs('admin'),
  () => {
    const name = uniqueName('link')
    const path = `/run/netns/${name}`
    using home = Namespace.current('net')
    using made = Namespace.create('net')
    made.pin(uniqueName('prepare')).unpin()
    symlinkSync(`/proc/${process.pid}/ns/net`, path)
    const mounts = nsfsMounts()
    {
      using found = Namespace.named(name)
      assert.ok(found.equals(home))
    }
    assert.equal(Namespace.list('net').find((pin) => pin.name === name)?.state, 'live')
    assert.throws(() => made.pin(name), { code: 'EEXIST' })
    Namespace.unpin(name)
    assert.ok(!existsSync(path))
    assert.deepEqual(nsfsMounts(), mounts)
  },
)

test('a symbolic link to another pin: unpin removes the link, and the other pin stays', needs('admin'), () => {
  const [target, name] = [uniqueName('target'), uniqueName('link')]
  using made = Namespace.create('net')
  using pin = made.pin(target)
  symlinkSync(pin.path, `/run/netns/${name}`)
  Namespace.unpin(name)
  using found = Namespace.named(target)
  assert.ok(found.equals(made))
  assert.ok(nsfsMounts().some((line) => line.endsWith(pin.path)))
})

test(
  'a symbolic link whose process has ended is stale: the next pin replaces it, unpin removes it',
  needs('admin'),
  () => {
    const { pid } = spawnSync('true')
    using made = Namespace.create('net')
    for (const remove of [false, true]) {
      const name = uniqueName('dangling')
      const path = `/run/netns/${name}`
      made.pin(uniqueName('prepare')).unpin()
      symlinkSync(`/proc/${pid}/ns/net`, path)
      assert.equal(Namespace.list('net').find((pin) => pin.name === name)?.state, 'stale')
      if (remove) Namespace.unpin(name)
      else {
        using _pin = made.pin(name)
        assert.ok(lstatSync(path).isFile())
      }
      assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined)
    }
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

/** What is left when `pin` or `ip netns add` is killed between making the file and mounting on it. */
function leaveStaleFile(kind: Kind, name: string, mode = 0): string {
  using made = Namespace.create(kind)
  made.pin(uniqueName('prepare')).unpin()
  const path = `${KINDS[kind].directory}/${name}`
  writeFileSync(path, '', { flag: 'wx' })
  chmodSync(path, mode)
  return path
}

async function olderThanWorkInProgress(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, OLDER_THAN_WORK_IN_PROGRESS_MS))
}
