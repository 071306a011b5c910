// undici from npm, three majors of it: Agent, Pool and Client a namespace, over HTTP/1.1, TLS and HTTP/2.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dispatcher } from 'undici-7'
import { interleave, usedByTurns } from './support/interleave.js'
import { startNginx } from './support/nginx-server.js'
import { needsServers, twoSides } from './support/sides.js'

type Undici = typeof import('undici-7')

const nodeMajor = Number(process.versions.node.split('.')[0])
const VERSIONS: Record<string, () => Promise<Undici>> = {
  'undici 6': () => import('undici') as Promise<unknown> as Promise<Undici>,
  'undici 7': () => import('undici-7'),
  ...(nodeMajor >= 22 && { 'undici 8': () => import('undici-8') as Promise<unknown> as Promise<Undici> }),
}
for (const [version, load] of Object.entries(VERSIONS)) proveVersion(version, await load())

function proveVersion(version: string, undici: Undici): void {
  const { Agent, Client, Pool, request } = undici
  const KINDS: Record<string, (url: string, connect: object) => Dispatcher> = {
    Agent: (_, connect) => new Agent({ connect, allowH2: false }),
    Pool: (url, connect) => new Pool(new URL(url).origin, { connect, connections: 10, allowH2: false }),
    Client: (url, connect) => new Client(new URL(url).origin, { connect, allowH2: false }),
  }

  for (const [kind, make] of Object.entries(KINDS)) {
    test(
      `${version} ${kind}: one a namespace, interleaved: no answer from the wrong side`,
      needsServers('nginx', 'openssl'),
      async () => {
        await using sides = await twoSides()
        const { http } = await startNginx(sides)
        const use = usedByTurns(
          sides,
          () => make(http, {}),
          (dispatcher) => dispatcher.close(),
        )
        await interleave(sides, {
          ask: (side, n) => use(side, n, (dispatcher) => ask(dispatcher, http)),
          askAtHome: () => request(http),
        })
      },
    )

    test(`${version} ${kind}: TLS`, needsServers('nginx', 'openssl'), async () => {
      await using sides = await twoSides()
      const { https, ca } = await startNginx(sides)
      const use = usedByTurns(
        sides,
        () => make(https, { ca }),
        (dispatcher) => dispatcher.close(),
      )
      await interleave(sides, {
        ask: (side, n) => use(side, n, (dispatcher) => ask(dispatcher, https)),
        askAtHome: () => request(https),
      })
    })
  }

  test(`${version}: HTTP/2, streams of one session a namespace`, needsServers('nginx', 'openssl'), async () => {
    await using sides = await twoSides()
    const { https, ca } = await startNginx(sides)
    const use = usedByTurns(
      sides,
      () => new Agent({ allowH2: true, connect: { ca } }),
      (dispatcher) => dispatcher.close(),
    )
    await interleave(sides, {
      ask: (side, n) => use(side, n, (dispatcher) => ask(dispatcher, https, 'HTTP/2.0')),
      askAtHome: () => request(https),
    })
  })

  test(
    `${version}: its own fetch and request through the global dispatcher`,
    needsServers('nginx', 'openssl'),
    async () => {
      await using sides = await twoSides()
      const { http } = await startNginx(sides)
      await interleave(sides, {
        ask: (side, n) =>
          side.ns.run(async () => {
            if (n % 2 === 0) return (await undici.fetch(http)).text()
            return (await request(http)).body.text()
          }),
        askAtHome: () => undici.fetch(http),
      })
    },
  )

  test(
    `${version}: one Agent for both sides and home keeps connections apart`,
    needsServers('nginx', 'openssl'),
    async () => {
      await using sides = await twoSides()
      const { http } = await startNginx(sides)
      const shared = new Agent()
      sides.atEnd(() => shared.close())
      await interleave(sides, {
        ask: (side) => side.ns.run(() => ask(shared, http)),
        askAtHome: () => ask(shared, http),
      })
    },
  )

  test(
    `${version}: a Pool belongs to who used it first; others are refused`,
    needsServers('nginx', 'openssl'),
    async () => {
      await using sides = await twoSides()
      const { http } = await startNginx(sides)
      const shared = new Pool(new URL(http).origin)
      sides.atEnd(() => sides.red.ns.run(() => shared.close()))
      for (let n = 0; n < 20; n++) {
        const [red, blue, home] = await Promise.allSettled([
          sides.red.ns.run(() => ask(shared, http)),
          sides.blue.ns.run(() => ask(shared, http)),
          ask(shared, http),
        ])
        assert.equal(red.status === 'fulfilled' && red.value, 'red')
        for (const each of [blue, home]) assert.equal(each.status === 'rejected' && each.reason.code, 'ERR_NSFD_POOL')
      }
    },
  )

  if (version !== 'undici 7') return // only its dispatchers are understood by the fetch of every Node

  test(
    `${version}: Node's fetch with a dispatcher of this undici, one a namespace`,
    needsServers('nginx', 'openssl'),
    async () => {
      await using sides = await twoSides()
      const { http } = await startNginx(sides)
      const agents = new Map(sides.both.map((side) => [side, new Agent()]))
      for (const agent of agents.values()) sides.atEnd(() => agent.close())
      await interleave(sides, {
        ask: (side) =>
          side.ns.run(async () =>
            (await fetch(http, { dispatcher: agents.get(side) } as unknown as RequestInit)).text(),
          ),
        askAtHome: () => fetch(http, { dispatcher: new Agent() } as unknown as RequestInit),
      })
    },
  )
}

async function ask(dispatcher: Dispatcher, url: string, protocol = 'HTTP/1.1'): Promise<string> {
  const { origin } = new URL(url)
  const { headers, body } = await dispatcher.request({ origin, path: '/', method: 'GET' })
  assert.equal(headers['x-protocol'], protocol)
  return body.text()
}
