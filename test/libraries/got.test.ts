// got: its default instance inside run, over HTTP/1.1, TLS and HTTP/2.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { got } from 'got'
import http2wrapper from 'http2-wrapper'
import { interleave } from './support/interleave.js'
import { startNginx } from './support/nginx-server.js'
import { needsServers, twoSides } from './support/sides.js'

test('got: interleaved: no answer from the wrong side', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { http } = await startNginx(sides)
  await interleave(sides, {
    ask: (side, n) => side.ns.run(() => got(`${http}${n % 7 === 0 ? 'redirect' : n}`).text()),
    askAtHome: () => got(http, { retry: { limit: 0 } }),
  })
})

test('got: TLS', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { https, ca } = await startNginx(sides)
  const client = got.extend({ https: { certificateAuthority: ca }, retry: { limit: 0 } })
  await interleave(sides, {
    ask: (side) => side.ns.run(() => client(https).text()),
    askAtHome: () => client(https),
  })
})

test('got: HTTP/2, an Agent of http2-wrapper a namespace', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { https, ca } = await startNginx(sides)
  const make = () => {
    const agent = new http2wrapper.Agent()
    sides.atEnd(() => agent.destroy())
    return got.extend({
      http2: true,
      agent: { http2: agent },
      https: { certificateAuthority: ca },
      retry: { limit: 0 },
    })
  }
  const clients = new Map(sides.both.map((side) => [side, make()]))
  const home = make()
  await interleave(sides, {
    ask: (side) =>
      side.ns.run(async () => {
        const { headers, body } = await (clients.get(side) as typeof home)(https)
        assert.equal(headers['x-protocol'], 'HTTP/2.0')
        return body
      }),
    askAtHome: () => home(https),
  })
})
