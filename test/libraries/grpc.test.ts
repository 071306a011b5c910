// @grpc/grpc-js: clients share connections by address through a pool of the whole process, unless told not to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Client, credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { interleave, usedByTurns, wasRefused } from './support/interleave.js'
import { needsServers, type Sides, twoSides } from './support/sides.js'
import { who } from './support/who.js'

const Who = makeGenericClientConstructor(who, 'Who')
const OWN_CONNECTIONS = { 'grpc.use_local_subchannel_pool': 1 }

const client = ({ port }: Sides, options: object = OWN_CONNECTIONS) =>
  new Who(`127.0.0.1:${port}`, credentials.createInsecure(), options)

test('grpc-js: a client a namespace, interleaved: no answer from the wrong side', needsServers(), async () => {
  await using sides = await withServers()
  const use = usedByTurns(sides, () => client(sides), close)
  await interleave(sides, {
    ask: (side, n) => use(side, n, ask),
    expected: (side) => side.ns.toString(),
    askAtHome: () => askOnce(sides),
  })
})

test('grpc-js: streams', needsServers(), async () => {
  await using sides = await withServers()
  const use = usedByTurns(sides, () => client(sides), close)
  await interleave(sides, {
    ask: (side, n) => use(side, n, watch),
    expected: (side) => `10 x ${side.ns}`,
    askAtHome: () => askOnce(sides),
  })
})

test('grpc-js: a client for every request', needsServers(), async () => {
  await using sides = await withServers()
  await interleave(sides, {
    ask: (side) => side.ns.run(() => askOnce(sides)),
    expected: (side) => side.ns.toString(),
    askAtHome: () => askOnce(sides),
    requests: 1000,
  })
})

// Calls that wait for one connection are all sent when it is there, by its opener's call tree. nsfd cannot tell them apart.
test(
  'grpc-js: without a pool of its own, a client gets the connection of another: the wrong side answers',
  needsServers(),
  async () => {
    await using sides = await withServers()
    const { red, blue } = sides
    const clients = [red, blue].map((side) => side.ns.run(() => client(sides, {})))
    sides.atEnd(() => clients.map(close))
    const answers = await Promise.all([red, blue].map((side, n) => side.ns.run(() => ask(clients[n] as Client))))
    assert.deepEqual(answers, [red.ns.toString(), red.ns.toString()])
  },
)

test('grpc-js: a client reconnects to its own side after the server restarts', needsServers(), async () => {
  await using sides = await twoSides()
  const use = usedByTurns(sides, () => client(sides), close)
  for (let round = 0; round < 3; round++) {
    const servers = await Promise.all(sides.both.map((side) => side.startProgram('grpc-server', [String(sides.port)])))
    for (const [n, side] of sides.both.entries()) {
      await use(side, n + round, (grpc) => untilReady(grpc))
      assert.equal(await use(side, n + round, ask), side.ns.toString())
    }
    await Promise.all(servers.map((server) => server.stop('SIGKILL')))
    for (const [n, side] of sides.both.entries()) await assert.rejects(use(side, n, ask))
  }
})

async function withServers(): Promise<Sides> {
  const sides = await twoSides()
  await Promise.all(sides.both.map((side) => side.startProgram('grpc-server', [String(sides.port)])))
  return sides
}

function ask(client: Client): Promise<string> {
  return new Promise((resolve, reject) => {
    const { are } = client as unknown as { are(text: string, done: (error: Error | null, text: string) => void): void }
    are.call(client, 'who?', (error, text) => (error ? reject(error) : resolve(text)))
  })
}

async function watch(client: Client): Promise<string> {
  const { watch } = client as unknown as { watch(text: string): AsyncIterable<string> }
  const answers: string[] = []
  for await (const text of watch.call(client, 'who?')) answers.push(text)
  return `${answers.length} x ${[...new Set(answers)].join(' and ')}`
}

function untilReady(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + 20_000, (error) => (error ? reject(error) : resolve()))
  })
}

async function askOnce(sides: Sides): Promise<string> {
  const grpc = client(sides)
  try {
    return await ask(grpc)
  } catch (error) {
    wasRefused(error)
    throw error
  } finally {
    grpc.close()
  }
}

function close(client: Client): void {
  client.close()
}
