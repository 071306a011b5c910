// redis (node-redis): a client a namespace, and what happens to one that two contexts share.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from 'redis'
import { interleave, usedByTurns } from './support/interleave.js'
import { startRedis } from './support/redis-server.js'
import { needsServers, type Sides, twoSides } from './support/sides.js'

const client = ({ port }: Sides) => createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } })
const atHome = (sides: Sides) =>
  client(sides)
    .on('error', () => {})
    .connect()

test('redis: a client a namespace, interleaved: no answer from the wrong side', needsServers('redis'), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await startRedis(side, sides.port)
  const use = usedByTurns(
    sides,
    () => client(sides),
    (redis) => redis.destroy(),
  )
  for (const side of sides.both) await use(side, 1, (redis) => redis.connect())

  await interleave(sides, {
    ask: async (side, n) => String(await use(side, n, (redis) => redis.get('side'))),
    askAtHome: () => atHome(sides),
  })
})

test('redis: a connection for every request', needsServers('redis'), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await startRedis(side, sides.port)

  await interleave(sides, {
    ask: (side) =>
      side.ns.run(async () => {
        const redis = await client(sides).connect()
        const answer = await redis.get('side')
        redis.destroy()
        return String(answer)
      }),
    askAtHome: () => atHome(sides),
  })
})

test('redis: a shared client stays where it was connected, whoever asks', needsServers('redis'), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await startRedis(side, sides.port)
  const shared = client(sides)
  sides.atEnd(() => shared.destroy())
  await sides.red.ns.run(() => shared.connect())
  const ask = () => shared.get('side')
  assert.equal(await sides.red.ns.run(ask), 'red')
  assert.equal(await sides.blue.ns.run(ask), 'red')
  assert.equal(await ask(), 'red')
})
