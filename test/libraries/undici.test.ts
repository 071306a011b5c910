// undici from npm: Agent, Pool and Client a namespace, over HTTP/1.1, TLS and HTTP/2.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Agent, Client, type Dispatcher, Pool, request, fetch as undiciFetch } from 'undici'
import { interleave, usedByTurns } from './support/interleave.js'
import { startNginx } from './support/nginx-server.js'
import { needsServers, twoSides } from './support/sides.js'

const KINDS: Record<string, (url: string, connect: object) => Dispatcher> = {
  Agent: (_, connect) => new Agent({ connect }),
  Pool: (url, connect) => new Pool(new URL(url).origin, { connect, connections: 10 }),
  Client: (url, connect) => new Client(new URL(url).origin, { connect }),
}

for (const [kind, make] of Object.entries(KINDS)) {
  test(
    `undici ${kind}: one a namespace, interleaved: no answer from the wrong side`,
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

  test(`undici ${kind}: TLS`, needsServers('nginx', 'openssl'), async () => {
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

test('undici: HTTP/2, streams of one session a namespace', needsServers('nginx', 'openssl'), async () => {
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

test("undici's own fetch and request through its global dispatcher", needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { http } = await startNginx(sides)
  await interleave(sides, {
    ask: (side, n) =>
      side.ns.run(async () => {
        if (n % 2 === 0) return (await undiciFetch(http)).text()
        return (await request(http)).body.text()
      }),
    askAtHome: () => undiciFetch(http),
  })
})

test(
  "Node's fetch with a dispatcher of undici from npm, one a namespace",
  needsServers('nginx', 'openssl'),
  async () => {
    await using sides = await twoSides()
    const { http } = await startNginx(sides)
    const agents = new Map(sides.both.map((side) => [side, new Agent()]))
    for (const agent of agents.values()) sides.atEnd(() => agent.close())
    await interleave(sides, {
      ask: (side) =>
        side.ns.run(async () => (await fetch(http, { dispatcher: agents.get(side) } as unknown as RequestInit)).text()),
      askAtHome: () => fetch(http, { dispatcher: new Agent() } as unknown as RequestInit),
    })
  },
)

async function ask(dispatcher: Dispatcher, url: string, protocol = 'HTTP/1.1'): Promise<string> {
  const { origin } = new URL(url)
  const { headers, body } = await dispatcher.request({ origin, path: '/', method: 'GET' })
  assert.equal(headers['x-protocol'], protocol)
  return body.text()
}
