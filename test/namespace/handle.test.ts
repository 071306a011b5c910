// Handles: references that hold nothing, and never come to mean another namespace.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Kind, Namespace } from 'nsfd'
import { KIND_NAMES } from '#dist/namespace/kinds.js'
import { everyTestEndsAtHome } from '../support/home.js'
import { has, needs } from '../support/needs.js'
import { comesTrue } from '../support/sleeper.js'
import { descriptors, flagsOf } from '../support/state.js'

everyTestEndsAtHome()

for (const kind of KIND_NAMES) {
  test(`the handle of a ${kind} namespace opens the same namespace again`, needs('root', 'handles'), () => {
    using home = Namespace.current(kind)
    using again = Namespace.fromHandle(home.handle())
    assert.ok(again.equals(home))
    assert.equal(again.kind, kind)
    assert.equal(flagsOf(again.fd) & 0o2000000, 0o2000000)
  })
}

test('a handle of a created namespace works for its creator, rootless or not', needs('admin', 'handles'), () => {
  for (const kind of ['net', 'uts', 'ipc', 'cgroup'] as Kind[]) {
    using made = Namespace.create(kind)
    using again = Namespace.fromHandle(made.handle())
    assert.ok(again.equals(made))
  }
})

test('a handle holds nothing: when the last holder has closed, it is ESTALE', needs('admin', 'handles'), async () => {
  for (const kind of ['net', 'uts', 'ipc', 'mnt'] as Kind[]) {
    const made = Namespace.create(kind)
    const handle = made.handle()
    made.close()
    const error = await comesTrue(() => refusal(handle))
    assert.equal(error.code, 'ESTALE')
    assert.match(error.message, /does not live any more/)
  }
})

test(
  'a handle does not come to mean a namespace that got the same inode number',
  needs('admin', 'handles'),
  async () => {
    let reused = 0
    for (let round = 0; round < 200 && reused < 3; round++) {
      const old = Namespace.create('uts')
      const handle = old.handle()
      old.close()
      using next = Namespace.create('uts')
      if (next.id.ino !== old.id.ino) continue
      reused++
      assert.equal(refusal(handle)?.code, 'ESTALE')
      assert.ok(!next.equals(old))
      assert.notEqual(next.handle(), handle)
    }
    assert.ok(reused > 0, 'no inode number was reused in 200 rounds')
  },
)

test('a handle is a plain string that survives JSON', needs('admin', 'handles'), () => {
  using made = Namespace.create('net')
  const { handle } = JSON.parse(JSON.stringify({ handle: made.handle() }))
  assert.match(handle, /^nsfs:[0-9a-f-]{36}:\d+:[\w-]+$/)
  using again = Namespace.fromHandle(handle)
  assert.ok(again.equals(made))
})

test('a handle from before the last boot is ESTALE, whatever it would mean now', needs('admin', 'handles'), () => {
  using made = Namespace.create('net')
  const old = made.handle().replace(/^nsfs:[^:]+/, 'nsfs:00000000-0000-0000-0000-000000000000')
  assert.throws(() => Namespace.fromHandle(old), { code: 'ESTALE', message: /last boot/ })
})

test('what handle() never returned is refused, and nothing is left open', needs('admin', 'handles'), () => {
  using made = Namespace.create('net')
  const good = made.handle()
  const before = descriptors()
  const bad = [
    '',
    'nsfs',
    'net:[1]',
    `${good}\0`,
    `${good} `,
    ` ${good}`,
    good.replace('nsfs', 'ext4'),
    `${good}${'A'.repeat(200)}`,
    7,
    null,
    undefined,
    {},
  ]
  for (const text of bad) {
    assert.throws(() => Namespace.fromHandle(text as string), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  // Well-formed, but of no namespace: the kernel refuses.
  const [scheme, boot, type] = good.split(':')
  for (const bytes of ['AAAA', Buffer.alloc(16).toString('base64url'), Buffer.alloc(16, 255).toString('base64url')]) {
    assert.throws(() => Namespace.fromHandle([scheme, boot, type, bytes].join(':')), {
      name: 'NsfdError',
      syscall: 'open_by_handle_at',
    })
  }
  assert.throws(() => Namespace.fromHandle(good.replace(`:${type}:`, ':1:')), { name: 'NsfdError' })
  assert.deepEqual(descriptors(), before)
})

test('an older kernel says what it lacks', { skip: has('handles') ? 'this kernel has handles' : false }, () => {
  using home = Namespace.current('net')
  assert.throws(() => home.handle(), { code: 'EOPNOTSUPP', message: /Linux 6\.18/ })
})

function refusal(handle: string): NodeJS.ErrnoException | undefined {
  try {
    Namespace.fromHandle(handle).close()
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}
