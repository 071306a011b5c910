// Questions under way and the sockets they leave from: shared by those who ask at the same time, and gone when nobody does.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cancellation, resolve } from '#dist/context/names/index.js'
import { Shared } from '#dist/context/names/shared.js'
import { descriptors } from '../../support/state.js'
import { startServer, type TestServer, zone } from './server.js'
import { failure, sourceOf, TestRoot } from './support.js'

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
const answer = ({ name }: { name: string }) => ({
  answers: [{ name, type: 'A' as const, ttl: 0, data: '10.0.0.1' }],
})
const CANCELLED = { value: -1 }

describe('the same work', () => {
  it('is shared while it is under way, and starts anew when it has ended, badly or well', async () => {
    const shared = new Shared<{ value: number }>()
    let started = 0
    const work = async () => {
      started++
      await pause(5)
      if (started === 1) throw new Error('the first fails')
      return { value: started }
    }
    const join = (key: string, own = work) => shared.join(key, own, undefined, CANCELLED)
    const results = await Promise.allSettled([join('k'), join('k'), join('l', async () => ({ value: 9 }))])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(await join('k'), { value: 2 })
  })

  it('ends when the last who waits for it is cancelled, and not before', async () => {
    const shared = new Shared<{ value: number }>()
    let ends = 0
    let settle = (_: { value: number }) => {}
    const join = (cancellation: Cancellation) =>
      shared.join(
        'k',
        (pursuit) => {
          pursuit.onEnd = () => ends++
          return new Promise((done) => {
            settle = done
          })
        },
        cancellation,
        CANCELLED,
      )
    const [one, other, third] = [new Cancellation(), new Cancellation(), new Cancellation()]
    const waiting = [join(one), join(other)]
    one.cancel()
    assert.equal(await waiting[0], CANCELLED)
    assert.equal(ends, 0)
    other.cancel()
    assert.equal(await waiting[1], CANCELLED)
    assert.equal(ends, 1)
    assert.equal(await join(one), CANCELLED, 'cancelled before it asked')
    const late = settle
    const anew = join(third)
    late({ value: 6 }) // what was ended may still settle: nobody must hear of it, and nothing new be forgotten
    await pause(1)
    const joined = join(new Cancellation())
    settle({ value: 7 })
    assert.deepEqual([await anew, await joined], [{ value: 7 }, { value: 7 }])
  })
})

describe('queries at the same time', () => {
  it('leave from few sockets, 64 from each at most, which are closed when all are answered', async () => {
    await using server = await startServer(answer)
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    await resolve(source, 'first.example')
    const before = sockets()
    await Promise.all(Array.from({ length: 200 }, (_, i) => resolve(source, `${i}.example`)))
    const perPort = countPorts(server)
    assert.ok(perPort.length <= 6, `${perPort.length} sockets`)
    assert.ok(Math.max(...perPort) <= 64, `${Math.max(...perPort)} queries from one port`)
    assert.equal(new Set(server.questions.map(({ name }) => name)).size, 201)
    assert.equal(await comesTo(before), before)
  })

  it('that never stop leave from another port after a second at the latest', async () => {
    await using server = await startServer((question) => {
      return question.name.startsWith('slow') ? undefined : answer(question)
    })
    using root = new TestRoot({ 'etc/resolv.conf': 'options timeout:2 attempts:1\n' })
    const source = sourceOf(root, [server])
    const slow = failure(resolve(source, 'slow.example'))
    await resolve(source, 'soon.example')
    const [first] = server.from
    assert.ok(server.from.every(({ port }) => port === first?.port))
    await pause(1_050)
    await resolve(source, 'later.example')
    assert.notEqual(server.from.at(-1)?.port, first?.port)
    assert.equal((await slow).code, 'ETIMEOUT')
  })

  it('of one name are one query, also through resolvers that may be cancelled', async () => {
    await using server = await startServer(answer)
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const cancellations = Array.from({ length: 50 }, () => new Cancellation())
    await Promise.all(cancellations.map((cancellation) => resolve(source, 'a.example', 'A', { cancellation })))
    assert.equal(server.questions.length, 1)
  })

  it('have their own time to wait each, on the socket they share', async () => {
    await using server = await startServer(() => undefined)
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const started = performance.now()
    const waits = [300, 60, 150].map(async (timeout) => {
      const { code } = await failure(resolve(source, `${timeout}.example`, 'A', { timeout, tries: 1 }))
      assert.equal(code, 'ETIMEOUT')
      const waited = performance.now() - started
      assert.ok(waited >= timeout - 2 && waited < timeout + 140, `${waited} instead of ${timeout}`)
    })
    await Promise.all(waits)
    assert.equal(countPorts(server).length, 1)
  })

  it('all fail at once where nobody listens, and leave no socket', async () => {
    const gone = await startServer(answer)
    await gone[Symbol.asyncDispose]()
    using root = new TestRoot()
    const source = sourceOf(root, [gone])
    const before = sockets()
    const started = performance.now()
    const codes = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => (await failure(resolve(source, `${i}.example`))).code),
    )
    assert.deepEqual(new Set(codes), new Set(['ECONNREFUSED']))
    assert.ok(performance.now() - started < 1_000)
    assert.equal(await comesTo(before), before)
  })

  it('are answered each by its own id where their answers come in another order', async () => {
    await using server = await startServer(({ name }) => ({
      answers: [{ name, type: 'A', ttl: 0, data: `10.0.0.${name.split('.')[0]}` }],
    }))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const asked = Array.from({ length: 40 }, (_, i) => resolve(source, `${i}.example`))
    assert.deepEqual(
      (await Promise.all(asked)).flat(),
      Array.from({ length: 40 }, (_, i) => `10.0.0.${i}`),
    )
  })

  it('are given up with EBADRESP where somebody floods their socket with guesses', async () => {
    await using server = await startServer(() => ({
      bytes: Array.from({ length: 150 }, () => Buffer.alloc(20)),
    }))
    using root = new TestRoot({ 'etc/resolv.conf': 'options attempts:1\n' })
    const source = sourceOf(root, [server])
    const codes = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => (await failure(resolve(source, `${i}.example`))).code),
    )
    assert.deepEqual(codes, Array(5).fill('EBADRESP'))
  })
})

describe('cancelling', () => {
  it('ends a question with ECANCELLED at once, and its socket with it', async () => {
    await using server = await startServer(() => undefined)
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const before = sockets()
    const cancellation = new Cancellation()
    const asked = ['a.example', 'b.example'].map((name) => failure(resolve(source, name, 'A', { cancellation })))
    await pause(50)
    assert.equal(server.questions.length, 2)
    cancellation.cancel()
    assert.deepEqual(
      (await Promise.all(asked)).map(({ code }) => code),
      ['ECANCELLED', 'ECANCELLED'],
    )
    assert.equal(await comesTo(before), before)
    assert.equal((await failure(resolve(source, 'c.example', 'A', { cancellation }))).code, 'ECANCELLED')
    await pause(50)
    assert.equal(server.questions.length, 2, 'nothing more was asked')
  })

  it('ends a stream as well', async () => {
    await using server = await startServer(({ via }) => (via === 'udp' ? { truncated: true } : undefined))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const cancellation = new Cancellation()
    const asked = failure(resolve(source, 'a.example', 'A', { cancellation }))
    while (server.questions.length < 2) await pause(10)
    cancellation.cancel()
    assert.equal((await asked).code, 'ECANCELLED')
  })

  it('of one who asks leaves the others their answer', async () => {
    await using server = await startServer(zone([{ name: 'a.example', type: 'A', ttl: 0, data: '10.0.0.1' }]))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const cancellation = new Cancellation()
    const ended = failure(resolve(source, 'a.example', 'A', { cancellation }))
    const others = [
      resolve(source, 'a.example'),
      resolve(source, 'a.example', 'A', { cancellation: new Cancellation() }),
    ]
    cancellation.cancel()
    assert.equal((await ended).code, 'ECANCELLED')
    assert.deepEqual(await Promise.all(others), [['10.0.0.1'], ['10.0.0.1']])
    assert.equal(server.questions.length, 1)
  })
})

function sockets(): number {
  return descriptors().filter((line) => line.includes('socket:')).length
}

async function comesTo(expected: number): Promise<number> {
  for (let i = 0; i < 20 && sockets() !== expected; i++) await pause(10)
  return sockets()
}

/** How many queries came from each port. */
function countPorts({ from }: TestServer): number[] {
  const counts = new Map<number, number>()
  for (const { port } of from) counts.set(port, (counts.get(port) ?? 0) + 1)
  return [...counts.values()]
}
