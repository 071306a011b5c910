// setns: the calling thread moves and stays, in both orders of arguments; what cannot move says why.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { type Kind, Namespace, setns } from 'nsfd'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'
import { descriptors, placeOf } from '../support/state.js'

everyTestEndsAtHome()

test(
  'the calling thread moves for good, in both orders of arguments, and the pool stays at home',
  needs('admin'),
  async () => {
    const { code, stdout, stderr } = await runProgram(new URL('./programs/setns.js', import.meta.url))
    assert.equal(code, 0, stderr)
    const seen = JSON.parse(stdout)
    assert.notEqual(seen.target, seen.home)
    assert.equal(seen.afterObject, seen.target)
    assert.equal(seen.afterSeedOrder, seen.second)
    assert.equal(seen.afterDescriptor, seen.target)
    assert.deepEqual(seen.others, [seen.home])
    assert.equal(seen.serverAt, seen.target)
    assert.equal(seen.afterSocketat, seen.target)
    assert.equal(seen.afterCreate, seen.target)
    assert.equal(seen.born, seen.target)
  },
)

test(
  'a Worker moves alone, mnt included: the main thread keeps its place, its cwd and its root',
  needs('admin'),
  async () => {
    const kinds: Kind[] = ['net', 'uts', 'ipc', 'cgroup', 'mnt']
    const made = kinds.map((kind) => Namespace.create(kind))
    const before = kinds.map(placeOf)
    const cwd = process.cwd()
    const worker = new Worker(new URL('./programs/worker-setns.js', import.meta.url), {
      workerData: made.map((namespace) => [namespace.kind, namespace.fd]),
    })
    const seen = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    assert.deepEqual(seen, made.map(String))
    assert.deepEqual(kinds.map(placeOf), before)
    assert.equal(process.cwd(), cwd)
    await worker.terminate()
    for (const namespace of made) namespace.close()
  },
)

test('a descriptor of another kind than the one named is refused, in both orders', needs('admin'), () => {
  using net = Namespace.create('net')
  for (const attempt of [
    () => setns(net, 'uts'),
    () => setns(net.fd, 'uts'),
    () => setns('uts', net),
    () => setns('uts', net.fd),
  ]) {
    assert.throws(attempt, { code: 'ERR_NSFD_WRONG_KIND', kind: 'net', message: /is a net namespace, not a uts/ })
  }
})

test('user and time need a process of one thread: refused before the kernel is asked, pointing to spawn', () => {
  for (const kind of ['user', 'time'] as Kind[]) {
    using home = Namespace.current(kind)
    assert.throws(() => setns(home), { code: 'ERR_NSFD_SINGLE_THREADED', kind, message: /spawn\(\)/ })
  }
})

test('mnt on the main thread is refused, with the reason', () => {
  using home = Namespace.current('mnt')
  assert.throws(() => setns(home), { code: 'ERR_NSFD_MAIN_THREAD', message: /on a Worker/ })
})

test('what is no namespace, closed, or no descriptor is refused, and the thread stays', () => {
  const place = placeOf('net')
  const before = descriptors()
  const closed = Namespace.current('net')
  closed.close()
  assert.throws(() => setns(closed), { code: 'ERR_NSFD_CLOSED' })
  assert.throws(() => setns(0), { code: 'ERR_NSFD_NOT_A_NAMESPACE' })
  assert.throws(() => setns(9999), { code: 'EBADF' })
  for (const fd of [-1, 1.5, Number.NaN, null, undefined, {}, [], true]) {
    assert.throws(() => setns(fd as number), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => setns('net', fd as number), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  using home = Namespace.current('net')
  assert.throws(() => setns(home, 'network' as Kind), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => setns('network' as Kind, home), { code: 'ERR_INVALID_ARG_VALUE' })
  home.close()
  assert.equal(placeOf('net'), place)
  assert.deepEqual(descriptors(), before)
})
