// fetch, as Node has it, against nginx: HTTP/1.1 and TLS. Nothing is set up for a namespace: run is enough.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { interleave } from './support/interleave.js'
import { startNginx } from './support/nginx-server.js'
import { needsServers, twoSides } from './support/sides.js'

test(
  'fetch: interleaved over keep-alive: no answer from the wrong side',
  needsServers('nginx', 'openssl'),
  async () => {
    await using sides = await twoSides()
    const { http } = await startNginx(sides)
    const connections = { red: new Set<string>(), blue: new Set<string>() }
    await interleave(sides, {
      ask: (side, n) =>
        side.ns.run(async () => {
          const response = await fetch(`${http}${n % 7 === 0 ? 'redirect' : n}`)
          connections[side.name].add(String(response.headers.get('x-connection')))
          return response.text()
        }),
      askAtHome: () => fetch(http),
    })
    for (const [name, { size }] of Object.entries(connections)) {
      assert.ok(size <= 40, `${name} used ${size} connections for some 500 requests: keep-alive was lost`)
    }
  },
)

test('fetch: a connection for every request', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { http } = await startNginx(sides)
  await interleave(sides, {
    ask: (side) => side.ns.run(async () => (await fetch(http, { headers: { connection: 'close' } })).text()),
    askAtHome: () => fetch(http, { headers: { connection: 'close' } }),
  })
})

// fetch takes certificates to trust from NODE_EXTRA_CA_CERTS, which Node reads when it starts.
test('fetch: TLS, a certificate a side', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { https, ca } = await startNginx(sides)
  const trusted = join(sides.dir, 'trusted.pem')
  writeFileSync(trusted, ca.join('\n'))
  const program = fileURLToPath(new URL('./programs/fetch-tls.js', import.meta.url))
  const pids = sides.both.map((side) => `/proc/${process.pid}/fd/${side.ns.fd}`)
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, https, ...pids], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: trusted, NODE_TEST_CONTEXT: '' },
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(status, 0, stderr)
  const answers = JSON.parse(stdout) as { asked: string; answered: string }[]
  assert.equal(answers.length, 1050)
  for (const { asked, answered } of answers) assert.equal(answered, asked)
  assert.deepEqual(new Set(answers.map(({ asked }) => asked)), new Set(['red', 'blue', 'ECONNREFUSED']))
})
