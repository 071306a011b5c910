// pg (node-postgres): pools, LISTEN/NOTIFY and TLS, a pool a namespace.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import pg from 'pg'
import { certificate } from './support/certificate.js'
import { interleave, usedByTurns } from './support/interleave.js'
import { startPostgres } from './support/postgres-server.js'
import { needsServers, type Sides, twoSides } from './support/sides.js'

const WHO = "select current_setting('cluster_name') as side"

const config = ({ port }: Sides, more: pg.PoolConfig = {}): pg.PoolConfig => {
  return { host: '127.0.0.1', port, user: 'test', database: 'postgres', max: 5, ...more }
}

type Queryable = { query(sql: string): Promise<pg.QueryResult<{ side: string }>> }

async function who(client: Queryable): Promise<string> {
  const { rows } = await client.query(WHO)
  return rows[0]?.side ?? 'nobody'
}

async function askOnce(sides: Sides, more: pg.PoolConfig = {}): Promise<string> {
  const client = new pg.Client(config(sides, more))
  try {
    await client.connect()
    return await who(client)
  } finally {
    await client.end()
  }
}

test(
  'pg: a pool a namespace, interleaved: no answer from the wrong side',
  needsServers('postgres', 'openssl'),
  async () => {
    await using sides = await twoSides()
    await startPostgres(sides)
    const use = usedByTurns(
      sides,
      () => new pg.Pool(config(sides)),
      (pool) => pool.end(),
    )
    await interleave(sides, {
      ask: (side, n) => use(side, n, who),
      askAtHome: () => askOnce(sides),
    })
  },
)

test(
  'pg: TLS, each server with a certificate of its own, which alone is trusted',
  needsServers('postgres', 'openssl'),
  async () => {
    await using sides = await twoSides()
    await startPostgres(sides)
    const use = usedByTurns(
      sides,
      (side) => new pg.Pool(config(sides, { ssl: { ca: certificate(side.dir, side.name).pem } })),
      (pool) => pool.end(),
    )
    await interleave(sides, {
      ask: async (side, n) => {
        const sql = `${WHO}, (select version from pg_stat_ssl where pid = pg_backend_pid()) as tls`
        const { rows } = await use(side, n, (pool) => pool.query(sql))
        assert.match(rows[0].tls, /^TLSv1/)
        return rows[0].side
      },
      askAtHome: () => askOnce(sides, { ssl: { rejectUnauthorized: false } }),
    })
    const { pem } = certificate(sides.red.dir, 'red')
    await assert.rejects(
      sides.blue.ns.run(() => askOnce(sides, { ssl: { ca: pem } })),
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    )
  },
)

test('pg: LISTEN hears the NOTIFY of its own side only', needsServers('postgres', 'openssl'), async () => {
  await using sides = await twoSides()
  await startPostgres(sides)
  const heard = { red: [] as string[], blue: [] as string[] }
  const use = usedByTurns(
    sides,
    () => new pg.Pool(config(sides)),
    (pool) => pool.end(),
  )
  const listeners = await Promise.all(
    sides.both.map(async (side) => {
      const client = side.ns.bind(new pg.Client(config(sides)))
      client.on('notification', ({ payload }) => heard[side.name].push(String(payload)))
      await client.connect()
      sides.atEnd(() => client.end())
      await client.query('listen news')
      return client
    }),
  )
  for (let n = 0; n < 500; n++) {
    await Promise.all(
      sides.both.map((side) =>
        use(side, n, (pool) => pool.query('select pg_notify($1, $2)', ['news', `${side.name} ${n}`])),
      ),
    )
  }
  for (const [index, side] of sides.both.entries()) {
    while (heard[side.name].length < 500) await once(listeners[index] as pg.Client, 'notification')
    const expected = Array.from({ length: 500 }, (_, n) => `${side.name} ${n}`)
    assert.deepEqual(heard[side.name].sort(), expected.sort())
  }
})

test(
  'pg: a shared pool hands out connections wherever they were opened: the wrong side answers',
  needsServers('postgres', 'openssl'),
  async () => {
    await using sides = await twoSides()
    await startPostgres(sides)
    const shared = new pg.Pool(config(sides, { max: 1 }))
    sides.atEnd(() => shared.end())
    const ask = () => who(shared)
    assert.equal(await sides.red.ns.run(ask), 'red')
    assert.equal(await sides.blue.ns.run(ask), 'red')
    assert.equal(await ask(), 'red')
  },
)
