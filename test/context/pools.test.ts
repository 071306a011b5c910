// A connection belongs to the namespace it was opened in: every pool of Node, hot, from every place to every other.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import { test } from 'node:test'
import { hooksFor, needs } from '../support/needs.js'
import { cert, key } from './support/certificate.js'
import { listen, readResponse, type Service, trusting } from './support/protocols.js'
import { closeSites, home, makeSites, nextPort, pairsOf, placeOfSocket, type Site } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()
const { after, before } = hooksFor('admin')
let sites: Site[] = []
const services: Service[] = []
const [plain, secure] = [nextPort(), nextPort()]
before(async () => {
  sites = [home, ...makeSites(2)]
  for (const { run, name } of sites) {
    const answer: http.RequestListener = (request, response) => {
      setTimeout(() => response.end(name), request.url === '/slow' ? 20 : 0)
    }
    await run(async () => {
      services.push(await listen(http.createServer(answer), { port: plain, host: '127.0.0.1' }))
      services.push(await listen(https.createServer({ key, cert }, answer), { port: secure, host: '127.0.0.1' }))
    })
  }
})
after(() => {
  for (const agent of [http.globalAgent, https.globalAgent]) agent.destroy()
  for (const service of services) service.close()
  closeSites(sites)
})

type Ask = (path?: string) => Promise<string>
const places: string[] = []
const seen = (socket: unknown) => places.push(placeOfSocket(socket))

function byHttp(agent?: http.Agent): Ask {
  return (path = '/') => readResponse(http.get({ port: plain, host: '127.0.0.1', path, ...(agent && { agent }) }), seen)
}
function byHttps(agent?: https.Agent): Ask {
  return (path = '/') =>
    readResponse(https.get({ port: secure, host: '127.0.0.1', path, ...trusting, ...(agent && { agent }) }), seen)
}

/** An agent of the kind people write: it names sockets and makes them in its own way. */
class NamesByItself extends http.Agent {
  override getName(options?: { host?: string | undefined; port?: number | undefined }): string {
    return `mine:${options?.host}:${options?.port}`
  }
  createSocket(...args: unknown[]): void {
    const { createSocket } = http.Agent.prototype as unknown as { createSocket(...args: unknown[]): void }
    Promise.resolve().then(() => createSocket.apply(this, args))
  }
}

const POOLS: Record<string, () => Ask> = {
  'http.globalAgent': () => byHttp(),
  'https.globalAgent': () => byHttps(),
  'a keep-alive http.Agent': () => byHttp(new http.Agent({ keepAlive: true })),
  'a keep-alive http.Agent of one socket': () => byHttp(new http.Agent({ keepAlive: true, maxSockets: 1 })),
  'an http.Agent of one socket without keep-alive': () => byHttp(new http.Agent({ maxSockets: 1 })),
  'an http.Agent of one socket in all without keep-alive': () => byHttp(new http.Agent({ maxTotalSockets: 1 })),
  'a keep-alive https.Agent of one socket': () => byHttps(new https.Agent({ keepAlive: true, maxSockets: 1 })),
  'a subclass with a getName and createSocket of its own': () =>
    byHttp(new NamesByItself({ keepAlive: true, maxSockets: 1 })),
  fetch:
    () =>
    async (path = '/') =>
      (await fetch(`http://127.0.0.1:${plain}${path}`)).text(),
}

for (const [name, make] of Object.entries(POOLS)) {
  test(
    `${name}: a hot connection is never used from another place, for every pair of places`,
    needs('admin'),
    async () => {
      for (const [from, to] of pairsOf(sites)) {
        const ask = make()
        for (let round = 0; round < 3; round++) {
          assert.equal(await from.run(ask), from.name, `${from.name}→${to.name}`)
          assert.equal(await to.run(ask), to.name, `${from.name}→${to.name}`)
        }
      }
    },
  )

  test(
    `${name}: requests queued from three places at once, each made when another place's socket is done`,
    needs('admin'),
    async () => {
      const ask = make()
      const asked = Array.from({ length: 12 }, () => sites).flat()
      const answers = await Promise.all(asked.map((site, i) => site.run(() => ask(i % 4 ? '/' : '/slow'))))
      assert.deepEqual(
        answers,
        asked.map((site) => site.name),
      )
    },
  )
}

test(
  'a pool that is hot does reuse its connections inside: keeping apart is not done by never reusing',
  needs('admin'),
  async () => {
    const agent = new http.Agent({ keepAlive: true })
    for (const site of sites) {
      const ports = new Set<number | undefined>()
      const note = (socket: unknown) => ports.add((socket as net.Socket).localPort)
      for (let i = 0; i < 4; i++) {
        await site.run(() => readResponse(http.get({ port: plain, host: '127.0.0.1', agent }), note))
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.equal(ports.size, 1, site.name)
    }
    agent.destroy()
  },
)

test(
  'an agent that is no http.Agent and hands out what it has: the request fails, nothing is sent',
  needs('admin'),
  async () => {
    const kept: net.Socket[] = []
    const agent = {
      defaultPort: 80,
      protocol: 'http:',
      addRequest(request: http.ClientRequest, options: net.NetConnectOpts) {
        const socket = kept.pop() ?? httpSocket(options)
        request.once('close', () => kept.push(socket))
        request.onSocket(socket)
      },
    }
    const get = () =>
      http.get({ port: plain, host: '127.0.0.1', agent: agent as never, headers: { connection: 'keep-alive' } })
    for (const [from, to] of pairsOf(sites)) {
      kept.length = 0
      assert.equal(await from.run(() => readResponse(get(), () => {})), from.name)
      const refused = to.run(get)
      const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException]
      assert.equal(error.code, 'ERR_NSFD_POOL')
      assert.match(error.message, /another namespace/)
      for (const socket of kept) socket.destroy()
    }
  },
)

function httpSocket(options: net.NetConnectOpts): net.Socket {
  return new http.Agent().createConnection(options as never) as net.Socket
}
