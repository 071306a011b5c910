// What else can stand in the directory of pins: other people's files, and symbolic links to namespaces.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Namespace } from 'nsfd'
import { everyTestEndsAtHome } from '../support/home.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { leaveStaleFile } from '../support/stale.js'
import { held, nsfsMounts } from '../support/state.js'

everyTestEndsAtHome()

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
    const { mounts } = held()
    {
      using found = Namespace.named(name)
      assert.ok(found.equals(home))
    }
    assert.equal(Namespace.list('net').find((pin) => pin.name === name)?.state, 'live')
    assert.throws(() => made.pin(name), { code: 'EEXIST' })
    Namespace.unpin(name)
    assert.ok(!existsSync(path))
    assert.deepEqual(held().mounts, mounts)
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
