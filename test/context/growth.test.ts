// What very many runs, sockets and lookups leave behind: no descriptor, and no heap that grows with their number.
import assert from 'node:assert/strict'
import dns from 'node:dns'
import net from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { heldBytes } from '../support/heap.js'
import { needs } from '../support/needs.js'
import { descriptors, strangeDescriptors } from '../support/state.js'
import { startServer } from './names/server.js'
import { closeSites, makeSites, spaceOf } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()

/** What the collector may keep of code and caches, whatever the number of runs: 20 bytes a run would be more. */
const NOISE_BYTES = 1_000_000

/** Does something many times, and the same again; the second time may leave nothing. */
async function leavesNothing(work: () => Promise<void>): Promise<void> {
  await work()
  const before = { bytes: await heldBytes(), open: counts() }
  await work()
  const bytes = await heldBytes()
  assert.deepEqual(counts(), before.open)
  assert.ok(bytes - before.bytes < NOISE_BYTES, `the heap grew by ${bytes - before.bytes} bytes`)
}

const counts = () => [descriptors().length, strangeDescriptors().length]

test('50,000 runs, 5,000 with a socket, leave no descriptor and no growing heap', needs('admin'), async () => {
  const sites = makeSites(1)
  const ns = spaceOf(sites[0])
  try {
    await leavesNothing(async () => {
      for (let i = 0; i < 50_000; i++) {
        ns.run(() => i)
        if (i % 10 > 0) continue
        const server = ns.run(() => net.createServer().listen(0))
        server.close()
        if (i % 1000 === 0) await turn()
      }
    })
  } finally {
    closeSites(sites)
  }
})

test('250 namespaces, each run in and closed, leave no descriptor and no growing heap', needs('admin'), async () => {
  await leavesNothing(async () => {
    for (let i = 0; i < 250; i++) {
      const sites = makeSites(1)
      const ns = spaceOf(sites[0])
      ns.run(() => net.createServer().listen(0).close())
      closeSites(sites)
      if (i % 50 === 0) await turn()
    }
  })
})

test('10,000 lookups, of names and of nothing, leave no descriptor and no growing heap', needs('admin'), async () => {
  const sites = makeSites(1)
  const ns = spaceOf(sites[0])
  let asked = 0
  try {
    await ns.run(async () => {
      await using server = await startServer(({ name }) => {
        return name.startsWith('none') ? { rcode: 3 } : { answers: [{ name, type: 'A', ttl: 0, data: '10.0.0.1' }] }
      })
      const resolver = new dns.promises.Resolver()
      resolver.setServers([`127.0.0.1:${server.port}`])
      await leavesNothing(async () => {
        for (let i = 0; i < 500; i++) {
          const names = Array.from({ length: 20 }, (_, n) => `${n % 4 === 0 ? 'none' : 'name'}-${asked++}.example`)
          const found = await Promise.allSettled(names.map((name) => resolver.resolve4(name)))
          assert.equal(found.filter(({ status }) => status === 'fulfilled').length, 15)
          server.questions.length = 0
          server.from.length = 0
        }
      })
    })
  } finally {
    closeSites(sites)
  }
})
