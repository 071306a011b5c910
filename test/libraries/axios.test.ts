// axios: its default instance, an instance a namespace, and an Agent that two contexts share.
import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { test } from 'node:test'
import axios from 'axios'
import { interleave, usedByTurns } from './support/interleave.js'
import { startNginx } from './support/nginx-server.js'
import { needsServers, twoSides } from './support/sides.js'

test('axios: interleaved: no answer from the wrong side', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { http } = await startNginx(sides)
  await interleave(sides, {
    ask: (side, n) => side.ns.run(async () => (await axios.get(`${http}${n % 7 === 0 ? 'redirect' : n}`)).data),
    askAtHome: () => axios.get(http),
  })
})

test('axios: an instance a namespace, through bind', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { http } = await startNginx(sides)
  const use = usedByTurns(
    sides,
    () => axios.create({ baseURL: http }),
    () => {},
  )
  await interleave(sides, {
    ask: async (side, n) => (await use(side, n, (client) => client.get('/'))).data,
    askAtHome: () => axios.get(http),
  })
})

test('axios: TLS, with one https.Agent for both sides and home', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { https, ca } = await startNginx(sides)
  const client = axios.create({ httpsAgent: new TlsAgent({ ca, keepAlive: true, maxSockets: 3 }) })
  sides.atEnd(() => client.defaults.httpsAgent.destroy())
  await interleave(sides, {
    ask: async (side) => (await side.ns.run(() => client.get(https))).data,
    askAtHome: () => client.get(https),
  })
})

test(
  'axios: one http.Agent for both sides and home keeps connections apart',
  needsServers('nginx', 'openssl'),
  async () => {
    await using sides = await twoSides()
    const { http } = await startNginx(sides)
    const client = axios.create({ httpAgent: new Agent({ keepAlive: true, maxSockets: 3 }) })
    sides.atEnd(() => client.defaults.httpAgent.destroy())
    await interleave(sides, {
      ask: async (side) => (await side.ns.run(() => client.get(http))).data,
      askAtHome: () => client.get(http),
    })
  },
)
