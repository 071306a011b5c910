// Workers: the floor works on each thread by itself, and a Worker's end closes what is its own and nothing else.
import assert from 'node:assert/strict'
import { readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { AF_INET, Namespace, SOCK_STREAM, socketat } from 'nsfd'
import { close } from '#dist/kernel/syscalls.js'
import { everyTestEndsAtHome } from '../support/home.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'
import { comesTrue } from '../support/sleeper.js'
import { descriptors, held } from '../support/state.js'

everyTestEndsAtHome()

type Seen = { same: boolean; right: boolean; athome: boolean; made: number; own: number; there: number }

test(
  'every operation works on a Worker, and what it made stays open and usable after its end',
  needs('admin'),
  async () => {
    using shared = Namespace.create('net')
    const seen = await used(shared)
    assert.deepEqual(
      { same: seen.same, right: seen.right, athome: seen.athome },
      { same: true, right: true, athome: true },
    )
    using made = Namespace.fromFd(seen.made)
    using ofOwn = Namespace.ofSocket(seen.own)
    using ofThere = Namespace.ofSocket(seen.there)
    assert.ok(ofOwn.equals(made))
    assert.ok(ofThere.equals(shared))
    close(seen.own)
    close(seen.there)
  },
)

test('Workers that come and go leave no descriptor and no thread', needs('admin'), async () => {
  using shared = Namespace.create('net')
  const round = async () => {
    const seen = await used(shared)
    for (const fd of [seen.made, seen.own, seen.there]) close(fd)
  }
  await round()
  const before = held()
  for (let i = 0; i < 10; i++) await Promise.all([round(), round()])
  assert.deepEqual(await comesTrue(() => held().threads <= before.threads && held()), before)
})

test(
  'a Worker’s end closes no number twice: what took a number that it had closed stays open',
  needs('admin'),
  async () => {
    using shared = Namespace.create('net')
    const worker = start(shared)
    const seen = await answerOf(worker)
    for (const fd of [seen.made, seen.own, seen.there]) close(fd)
    // These take the numbers that the Worker closed and the ones above, before it ends.
    const mine = Array.from({ length: 20 }, () => Namespace.create('uts'))
    const before = mine.map(({ fd }) => readlinkSync(`/proc/self/fd/${fd}`))
    await worker.terminate()
    assert.deepEqual(
      mine.map(({ fd }) => readlinkSync(`/proc/self/fd/${fd}`)),
      before,
    )
    for (const namespace of mine) namespace.close()
  },
)

test('a Worker that is terminated in the middle of its work leaves the others at home', needs('admin'), async () => {
  using shared = Namespace.create('net')
  const before = descriptors().length
  for (let i = 0; i < 10; i++) {
    const worker = new Worker(new URL('./programs/worker-loops.js', import.meta.url), { workerData: shared.fd })
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await worker.terminate()
  }
  // A socket can have been made and not yet closed when the thread was stopped: one a Worker at most.
  assert.ok(descriptors().length <= before + 10)
  const socket = socketat(shared, AF_INET, SOCK_STREAM)
  using its = Namespace.ofSocket(socket)
  assert.ok(its.equals(shared))
  close(socket)
})

test(
  'Node complains of nothing when Workers end (it warns of descriptors it finds closed)',
  needs('admin'),
  async () => {
    const { code, stderr } = await runProgram(new URL('./programs/workers-end.js', import.meta.url))
    assert.equal(stderr, '')
    assert.equal(code, 0)
  },
)

function start(shared: Namespace): Worker {
  const workerData = { shared: shared.fd, name: uniqueName('worker') }
  return new Worker(new URL('./programs/worker-uses.js', import.meta.url), { workerData })
}

function answerOf(worker: Worker): Promise<Seen> {
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
}

async function used(shared: Namespace): Promise<Seen> {
  const worker = start(shared)
  const ended = new Promise((resolve) => worker.once('exit', resolve))
  const seen = await answerOf(worker)
  await ended
  return seen
}
