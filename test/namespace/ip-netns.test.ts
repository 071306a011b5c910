// net pins are those of `ip netns`: theirs work here, ours work there.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { Namespace } from 'nsfd'
import { everyTestEndsAtHome } from '../support/home.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { sleeper } from '../support/sleeper.js'
import { nsfsMounts } from '../support/state.js'

everyTestEndsAtHome()

const needed = needs('admin', 'iproute2')

test('ours there: ip netns lists it, executes in it and deletes it', needed, () => {
  const name = uniqueName('ours')
  using made = Namespace.create('net')
  const { path } = made.pin(name)
  assert.ok(ipNetnsList().includes(name))
  assert.equal(ip('netns', 'exec', name, 'readlink', '/proc/self/ns/net').trim(), String(made))
  assert.match(ip('-n', name, '-o', 'link'), /^1: lo:/)
  ip('netns', 'delete', name)
  assert.ok(!existsSync(path))
  assert.ok(!Namespace.list('net').some((pin) => pin.name === name))
})

test('theirs here: named, listed, and removed by unpin', needed, () => {
  const name = uniqueName('theirs')
  ip('netns', 'add', name)
  {
    using found = Namespace.named(name)
    assert.equal(ip('netns', 'exec', name, 'readlink', '/proc/self/ns/net').trim(), String(found))
    assert.deepEqual(Namespace.list('net').find((pin) => pin.name === name)?.id, found.id)
  }
  Namespace.unpin(name)
  assert.ok(!ipNetnsList().includes(name))
  assert.ok(!existsSync(`/run/netns/${name}`))
})

test('each refuses the other’s taken name', needed, () => {
  const name = uniqueName('taken')
  using made = Namespace.create('net')
  ip('netns', 'add', name)
  assert.throws(() => made.pin(name), { code: 'EEXIST' })
  ip('netns', 'delete', name)
  using _pin = made.pin(name)
  const refused = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  assert.notEqual(refused.status, 0)
  assert.match(refused.stderr, /File exists/)
  using found = Namespace.named(name)
  assert.ok(found.equals(made))
})

test('what ip netns attach named is the namespace of that process', needed, () => {
  const name = uniqueName('attach')
  ip('netns', 'attach', name, String(process.pid))
  {
    using found = Namespace.named(name)
    assert.equal(String(found), readlinkSync('/proc/self/ns/net'))
  }
  Namespace.unpin(name)
})

test('a pin appears with the mode and the mount that ip netns add gives', needed, () => {
  const [ours, theirs] = [uniqueName('ours'), uniqueName('theirs')]
  using made = Namespace.create('net')
  using pin = made.pin(ours)
  ip('netns', 'add', theirs)
  const [mine, its] = [statSync(pin.path), statSync(`/run/netns/${theirs}`)]
  assert.equal(mine.mode, its.mode)
  assert.equal(mine.dev, its.dev)
  Namespace.unpin(theirs)
})

test('a pin reaches mount namespaces that were there before, and leaves them with unpin', needed, async () => {
  const name = uniqueName('shared')
  using made = Namespace.create('net')
  made.pin(uniqueName('prepare')).unpin()
  // A mount namespace that receives what is mounted outside, as the services of systemd have.
  await using inside = await sleeper('unshare', '--mount', '--propagation', 'slave', '--')
  const mountsInside = () => readFileSync(`/proc/${inside.pid}/mountinfo`, 'utf8')
  const pin = made.pin(name)
  assert.match(mountsInside(), new RegExp(` /run/netns/${name} `))
  pin.unpin()
  assert.doesNotMatch(mountsInside(), new RegExp(name))
  assert.ok(!nsfsMounts().some((line) => line.includes(name)))
})

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' })
}

function ipNetnsList(): string[] {
  return ip('netns', 'list')
    .split('\n')
    .map((line) => line.split(' ')[0] as string)
}
