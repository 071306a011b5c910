// undici from npm: every dispatcher people make and share, hot, used from every place.
import assert from 'node:assert/strict'
import http from 'node:http'
import { afterEach, test } from 'node:test'
import undici from 'undici'
import { hooksFor, needs } from '../support/needs.js'
import { listen, type Service } from './support/protocols.js'
import { closeSites, home, makeSites, nextPort, pairsOf, type Site, spaceOf } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()
const { after, before } = hooksFor('admin')
const port = nextPort()
const origin = `http://127.0.0.1:${port}`
let sites: Site[] = []
const services: Service[] = []
const open: undici.Dispatcher[] = []
const bundled = Number.parseInt(process.versions.undici ?? '', 10)
const original = undici.getGlobalDispatcher()

before(async () => {
  services.push(
    await listen(
      http.createServer((_, response) => response.end('home')),
      { port, host: '127.0.0.1' },
    ),
  )
  for (const dispatcher of [composedBefore, madeBefore.agent, madeBefore.pool]) await text(dispatcher)
  services.pop()?.close()
  sites = [home, ...makeSites(2)]
  for (const { run, name } of sites) {
    const server = http.createServer((request, response) => {
      setTimeout(() => response.end(name), request.url === '/slow' ? 20 : 0)
    })
    services.push(await run(() => listen(server, { port, host: '127.0.0.1' })))
  }
})
afterEach(async () => {
  undici.setGlobalDispatcher(original)
  await Promise.all(open.splice(0).map((dispatcher) => dispatcher.destroy()))
})
after(() => {
  for (const service of services) service.close()
  closeSites(sites)
})

function kept<T extends undici.Dispatcher>(dispatcher: T): T {
  open.push(dispatcher)
  return dispatcher
}

const text = async (dispatcher?: undici.Dispatcher, path = '/') =>
  (await undici.request(origin + path, dispatcher && { dispatcher })).body.text()

/** Used at home, hot, before anything ran inside: the worst case. */
const madeBefore = { agent: new undici.Agent(), pool: new undici.Pool(origin), client: new undici.Client(origin) }
/** It holds the client's dispatch as it was before nsfd had a chance to see it. */
const composedBefore = madeBefore.client.compose((dispatch) => (options, handler) => dispatch(options, handler))

const SHARED: Record<string, () => (path?: string) => Promise<string>> = {
  'request with the global dispatcher': () => (path) => text(undefined, path),
  "npm's fetch":
    () =>
    async (path = '/') =>
      (await undici.fetch(origin + path)).text(),
  'an Agent': () => {
    const agent = kept(new undici.Agent())
    return (path) => text(agent, path)
  },
  'an Agent of one connection': () => {
    const agent = kept(new undici.Agent({ connections: 1, pipelining: 1 }))
    return (path) => text(agent, path)
  },
  "an Agent in Node's own fetch": () => {
    const dispatcher = kept(new undici.Agent())
    return async (path = '/') => (await fetch(origin + path, { dispatcher } as object)).text()
  },
  'an Agent that was set as the global dispatcher': () => {
    undici.setGlobalDispatcher(kept(new undici.Agent()))
    return async (path = '/') => (await fetch(origin + path)).text()
  },
  'an Agent with a factory': () => {
    const agent = kept(new undici.Agent({ factory: (at, options) => new undici.Client(at, options) }))
    return (path) => text(agent, path)
  },
}

for (const [name, make] of Object.entries(SHARED)) {
  const skip = name.includes('own fetch') && bundled >= 8 && "this Node's fetch does not take dispatchers of undici 6"
  const possible = skip ? { skip } : needs('admin')
  test(`${name}: hot, for every pair of places, and queued from all at once`, possible, async () => {
    for (const [from, to] of pairsOf(sites)) {
      const ask = make()
      for (let round = 0; round < 3; round++) {
        assert.equal(await from.run(() => ask()), from.name, `${from.name}→${to.name}`)
        assert.equal(await to.run(() => ask()), to.name, `${from.name}→${to.name}`)
      }
    }
    const ask = make()
    const asked = Array.from({ length: 8 }, () => sites).flat()
    const answers = await Promise.all(asked.map((site, i) => site.run(() => ask(i % 3 ? '/' : '/slow'))))
    assert.deepEqual(
      answers,
      asked.map((site) => site.name),
    )
  })
}

const OWNED: Record<string, () => undici.Dispatcher> = {
  Client: () => new undici.Client(origin),
  Pool: () => new undici.Pool(origin, { connections: 1 }),
  BalancedPool: () => new undici.BalancedPool(origin),
  RetryAgent: () => new undici.RetryAgent(new undici.Agent()),
}

for (const [name, make] of Object.entries(OWNED)) {
  test(
    `a ${name} belongs to the place that used it first: from anywhere else it fails, and says what to do`,
    needs('admin'),
    async () => {
      for (const [from, to] of pairsOf(sites)) {
        const dispatcher = kept(make())
        assert.equal(await from.run(() => text(dispatcher)), from.name)
        await assert.rejects(
          to.run(() => text(dispatcher)),
          { code: 'ERR_NSFD_POOL', message: /ns\.connector/ },
        )
        const busy = from.run(() => text(dispatcher, '/slow'))
        await assert.rejects(
          to.run(() => text(dispatcher)),
          { code: 'ERR_NSFD_POOL' },
        )
        assert.equal(await busy, from.name)
        assert.equal(await from.run(() => text(dispatcher)), from.name)
      }
    },
  )
}

test('a composed dispatcher keeps places apart as what it is composed over does', needs('admin'), async () => {
  const dispatcher = kept(new undici.Agent()).compose((dispatch) => (options, handler) => dispatch(options, handler))
  for (const site of [...sites, ...sites]) assert.equal(await site.run(() => text(dispatcher)), site.name)
})

test('dispatchers that were used at home before the first run, and are hot, stay at home', needs('admin'), async () => {
  assert.equal(await text(madeBefore.pool), 'home')
  assert.equal(await text(madeBefore.agent), 'home')
  const inside = sites[1] as Site
  await assert.rejects(
    inside.run(() => text(madeBefore.pool)),
    { code: 'ERR_NSFD_POOL' },
  )
  assert.equal(await inside.run(() => text(madeBefore.agent)), inside.name)
  assert.equal(await text(composedBefore), 'home')
  await assert.rejects(
    inside.run(() => text(composedBefore)),
    { code: 'ERR_NSFD_POOL' },
  )
  assert.equal(await text(composedBefore), 'home')
  await Promise.all([madeBefore.client.destroy(), madeBefore.agent.destroy(), madeBefore.pool.destroy()])
})

test('a global dispatcher set in the middle of a run is kept apart as well', needs('admin'), async () => {
  const inside = sites[1] as Site
  const ask = async () => (await fetch(`${origin}/`)).text()
  await inside.run(async () => {
    await ask()
    undici.setGlobalDispatcher(kept(new undici.Agent()))
    assert.equal(await ask(), inside.name)
  })
  assert.equal(await ask(), 'home')
  assert.equal(await (sites[2] as Site).run(ask), 'B')
})

test('closing an Agent closes its connections in every place', needs('admin'), async () => {
  const agent = new undici.Agent()
  for (const site of sites) await site.run(() => text(agent))
  await agent.close()
  for (const site of sites)
    await assert.rejects(
      site.run(() => text(agent)),
      { code: /UND_ERR_(CLOSED|DESTROYED)/ },
    )
})

test('ns.connector: Agent, Pool and Client connect in the namespace, whoever uses them', needs('admin'), async () => {
  const inside = sites[1] as Site
  const { connector } = spaceOf(inside)
  for (const dispatcher of [
    new undici.Agent({ connect: connector }),
    new undici.Pool(origin, { connect: connector, connections: 1 }),
    new undici.Client(origin, { connect: connector }),
    new undici.Client(origin, { connect: spaceOf(inside).bind(undici.buildConnector({})) }),
  ]) {
    kept(dispatcher)
    for (const site of [...sites, ...sites]) assert.equal(await site.run(() => text(dispatcher)), 'A')
    const all = Array.from({ length: 9 }, (_, i) => (sites[i % 3] as Site).run(() => text(dispatcher, '/slow')))
    assert.deepEqual(new Set(await Promise.all(all)), new Set(['A']))
  }
})

test('a bound Pool is used from everywhere and is in its namespace', needs('admin'), async () => {
  const pool = spaceOf(sites[1]).bind(kept(new undici.Pool(origin)))
  for (const site of sites) {
    const answer = await site.run(async () => (await pool.request({ path: '/', method: 'GET' })).body.text())
    assert.equal(answer, 'A')
  }
})
