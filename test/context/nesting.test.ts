// run and runSync as control flow: nested, interleaved, throwing, refused.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { readlinkSync } from 'node:fs'
import net from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hooksFor, needs } from '../support/needs.js'
import { closeSites, home, makeSites, nextPort, placeOfSocket, type Site, spaceOf } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()
const { after, before } = hooksFor('admin')
let sites: Site[] = []
let A: Site
let B: Site
before(() => {
  sites = makeSites(2)
  ;[A, B] = sites as [Site, Site]
})
after(() => closeSites(sites))

const threadPlace = () => readlinkSync('/proc/thread-self/ns/net')

/** Makes a listening socket here and now, and says where the kernel put it. */
async function whereSocketsGo(): Promise<string> {
  const server = net.createServer().listen(0)
  await once(server, 'listening')
  const place = placeOfSocket(server)
  server.close()
  return place
}

test('nested run: the inner namespace wins, the outer comes back, home comes back', needs('admin'), async () => {
  const seen = await A.run(async () => {
    const outer = await whereSocketsGo()
    const inner = await B.run(async () => {
      await sleep(2)
      return whereSocketsGo()
    })
    return [outer, inner, await whereSocketsGo()]
  })
  assert.deepEqual([...seen, await whereSocketsGo()], [A.place, B.place, A.place, home.place])
})

test(
  'runSync moves the thread and only the thread; nested and within run, each level comes back to its own',
  needs('admin'),
  () => {
    const [a, b] = [spaceOf(A), spaceOf(B)]
    const seen = a.runSync(() => {
      const inner = b.runSync(() => [threadPlace(), a.runSync(threadPlace), threadPlace()])
      return [threadPlace(), ...inner, threadPlace()]
    })
    assert.deepEqual(seen, [A.place, B.place, A.place, B.place, A.place])
    assert.equal(threadPlace(), home.place)
    assert.equal(
      a.run(() => b.runSync(threadPlace)),
      B.place,
    )
    assert.equal(a.run(threadPlace), home.place, 'run does not move the thread')
  },
)

test('what is started inside runSync goes on inside after it returned', needs('admin'), async () => {
  const later: Promise<string>[] = []
  spaceOf(A).runSync(() => {
    later.push(
      new Promise((resolve) => {
        setTimeout(() => resolve(whereSocketsGo()), 5)
      }),
    )
  })
  assert.deepEqual(await Promise.all(later), [A.place])
})

test(
  'a hundred interleaved call trees of awaits, timers, immediates, microtasks and streams each stay where they are',
  needs('admin'),
  async () => {
    const all = [home, A, B]
    const trees = Array.from({ length: 100 }, (_, i) => {
      const site = all[i % 3] as Site
      return site.run(async () => {
        for (const step of STEPS) {
          await step()
          assert.equal(await whereSocketsGo(), site.place)
        }
      })
    })
    await Promise.all(trees)
  },
)

const STEPS: (() => Promise<unknown>)[] = [
  () => sleep(Math.random() * 5),
  () => new Promise((resolve) => setImmediate(resolve)),
  () => new Promise((resolve) => process.nextTick(resolve)),
  () => new Promise<void>((resolve) => queueMicrotask(resolve)),
  async () => {
    for await (const _ of Readable.from([1, 2, 3])) await sleep(1)
  },
  () => {
    const emitter = new EventEmitter()
    setTimeout(() => emitter.emit('x'), 1)
    return once(emitter, 'x')
  },
  () => Promise.all([sleep(1), sleep(2)]),
  () => Promise.reject(new Error('expected')).catch(() => sleep(1)),
]

test(
  'a callback that throws: the error comes out unchanged, and the thread and the context are at home',
  needs('admin'),
  async () => {
    const mistake = new Error('mistake')
    const thrower = () => {
      throw mistake
    }
    const is = (error: unknown) => error === mistake
    assert.throws(() => spaceOf(A).runSync(thrower), is)
    assert.equal(threadPlace(), home.place)
    assert.throws(() => spaceOf(A).run(thrower), is)
    assert.equal(await whereSocketsGo(), home.place)
    await assert.rejects(spaceOf(A).run(() => Promise.reject(mistake)) as Promise<never>, is)
    await assert.rejects(
      spaceOf(A).run(async () => {
        await sleep(1)
        return B.run(thrower)
      }),
      is,
    )
    assert.equal(await whereSocketsGo(), home.place)
  },
)

test(
  'runSync given a function that returns a promise throws TypeError, and its rejection is not unhandled',
  needs('admin'),
  async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      then: () => {},
    }
    const unhandled: unknown[] = []
    const note = (error: unknown) => void unhandled.push(error)
    process.on('unhandledRejection', note)
    for (const fn of [async () => 1, () => Promise.reject(new Error('lost')), () => thenable]) {
      assert.throws(() => spaceOf(A).runSync(fn as () => unknown), { name: 'TypeError', message: /use run\(\)/ })
      assert.equal(threadPlace(), home.place)
    }
    await sleep(5)
    process.off('unhandledRejection', note)
    assert.deepEqual(unhandled, [])
  },
)

test('what is no function is refused, and so are kinds a thread of Node cannot visit', needs('admin'), () => {
  for (const wrong of [undefined, null, 1, 'f', {}]) {
    assert.throws(() => spaceOf(A).run(wrong as never), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => spaceOf(A).runSync(wrong as never), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})

test(
  'a home context bound by AsyncResource and called inside runSync makes its socket at home',
  needs('admin'),
  async () => {
    const { AsyncResource } = await import('node:async_hooks')
    const port = nextPort()
    const atHome = AsyncResource.bind(() => net.createServer().listen(port))
    const server = spaceOf(A).runSync(atHome)
    const inB = B.run(() => AsyncResource.bind(() => net.createServer().listen(port)))
    const other = spaceOf(A).runSync(inB)
    try {
      assert.equal(placeOfSocket(server), home.place)
      assert.equal(placeOfSocket(other), B.place)
    } finally {
      server.close()
      other.close()
    }
  },
)

test('a function bound to another context and called inside run keeps its own place', needs('admin'), async () => {
  const bound = A.run(() => {
    const emitter = new EventEmitter()
    emitter.on('go', (done: (place: Promise<string>) => void) => done(whereSocketsGo()))
    return emitter
  })
  // Listeners run where emit is called: that is what Node's AsyncLocalStorage says, and what people know from it.
  assert.equal(await B.run(() => new Promise((resolve) => bound.emit('go', resolve))), B.place)
})
