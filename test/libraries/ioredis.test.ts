// ioredis: a client a namespace, which finds its own server again after a restart.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { interleave, usedByTurns, wasRefused } from './support/interleave.js'
import { startRedis } from './support/redis-server.js'
import { needsServers, type Side, type Sides, twoSides } from './support/sides.js'

const client = ({ port }: Sides, retryStrategy: () => number | null = () => 20) =>
  new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy, maxRetriesPerRequest: null })

/** Its own complaint, "Connection is closed.", does not say why; the 'error' event before it does. */
async function askAtHome(sides: Sides): Promise<unknown> {
  const redis = client(sides, () => null)
  const reason = once(redis, 'error').then(([error]) => error)
  const answer = await redis.get('side').catch(() => reason)
  if (answer instanceof Error) throw answer
  return answer
}

test('ioredis: a client a namespace, interleaved: no answer from the wrong side', needsServers('redis'), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await startRedis(side, sides.port)
  const use = usedByTurns(
    sides,
    () => client(sides),
    (redis) => redis.disconnect(),
  )

  await interleave(sides, {
    ask: async (side, n) => String(await use(side, n, (redis) => redis.get('side'))),
    askAtHome: () => askAtHome(sides),
  })
})

test(
  'ioredis: reconnects to its own side after the server restarts, while the other side goes on',
  needsServers('redis'),
  async () => {
    await using sides = await twoSides()
    const servers = new Map(await Promise.all(sides.both.map(startOn)))
    async function startOn(side: Side) {
      return [side, await startRedis(side, sides.port)] as const
    }
    const use = usedByTurns(
      sides,
      () => client(sides).on('error', wasReset),
      (redis) => redis.disconnect(),
    )
    let restarts = 0
    const restart = async (side: Side) => {
      await servers.get(side)?.stop('SIGKILL')
      const answering = use(side, 0, (redis) => redis.get('side')) // waits in the client's queue while nothing listens
      assert.equal(await use(side.other, 0, (redis) => redis.get('side')), side.other.name)
      servers.set(side, (await startOn(side))[1])
      assert.equal(await answering, side.name)
      restarts++
    }

    const restarting = new Set<Promise<void>>()
    await interleave(sides, {
      ask: async (side, n) => {
        if (n % 250 === 100) {
          await Promise.all(restarting)
          restarting.add(restart(sides.both[n % 500 === 100 ? 0 : 1]))
        }
        return String(await use(side, n, (redis) => redis.get('side')))
      },
      askAtHome: () => askAtHome(sides),
    })
    await Promise.all(restarting)
    assert.equal(restarts, 4)
  },
)

test('ioredis: subscribers hear only what was published on their side', needsServers('redis'), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await startRedis(side, sides.port)
  const heard = { red: [] as string[], blue: [] as string[] }
  const onEach = sides.both.map(async (side) => {
    const subscriber = side.ns.run(() => client(sides))
    const publisher = side.ns.run(() => client(sides))
    for (const each of [subscriber, publisher]) sides.atEnd(() => each.disconnect())
    await side.ns.run(() => subscriber.subscribe('news'))
    subscriber.on('message', (_, text: string) => heard[side.name].push(text))
    return { subscriber, publisher }
  })
  const clients = await Promise.all(onEach)
  for (let n = 0; n < 500; n++) {
    for (const [index, side] of sides.both.entries()) {
      assert.equal(await side.ns.run(() => clients[index]?.publisher.publish('news', `${side.name} ${n}`)), 1)
    }
  }
  for (const [index, side] of sides.both.entries()) {
    while (heard[side.name].length < 500) await once(clients[index]?.subscriber as Redis, 'message')
    assert.deepEqual(
      heard[side.name],
      Array.from({ length: 500 }, (_, n) => `${side.name} ${n}`),
    )
  }
})

test('ioredis: a shared client reconnects where it was opened, whoever asks', needsServers('redis'), async () => {
  await using sides = await twoSides()
  const red = await startRedis(sides.red, sides.port)
  await startRedis(sides.blue, sides.port)
  const shared = client(sides).on('error', wasReset)
  sides.atEnd(() => shared.disconnect())
  const ask = () => shared.get('side')
  assert.equal(await sides.red.ns.run(ask), 'red')
  assert.equal(await sides.blue.ns.run(ask), 'red')
  await red.stop('SIGKILL')
  const asked = sides.blue.ns.run(ask)
  await startRedis(sides.red, sides.port)
  assert.equal(await asked, 'red')
  assert.equal(await ask(), 'red')
})

function wasReset(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') wasRefused(error)
}
