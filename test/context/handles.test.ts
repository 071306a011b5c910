// Every other way Node has of making a socket, inside: each is asked of the kernel.
import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import os from 'node:os'
import { test } from 'node:test'
import type tls from 'node:tls'
import { AF_INET, SOCK_NONBLOCK, SOCK_STREAM, socketat } from '#dist/index.js'
import { hooksFor, needs } from '../support/needs.js'
import { cert, key } from './support/certificate.js'
import { listen, PROTOCOLS, readAll, readResponse, readText, type Service, trusting } from './support/protocols.js'
import { closeSites, home, ip, makeSites, nextPort, placeOfSocket, type Site, spaceOf } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()
const { after, before } = hooksFor('admin')
let sites: Site[] = []
let A: Site
let B: Site
before(() => {
  sites = makeSites(2)
  ;[A, B] = sites as [Site, Site]
})
after(() => closeSites(sites))

const host = '127.0.0.1'
type Answering = (error: null, addresses: { address: string; family: number }[]) => void

test('Happy Eyeballs: later attempts, made by timers, are inside too', needs('admin'), async () => {
  const port = nextPort()
  const services: (Service | undefined)[] = []
  for (const site of [home, ...sites]) services.push(await site.run(() => PROTOCOLS.net?.serve(port, site.name)))
  // Nobody listens at ::1 or 127.0.0.2: two attempts fail before the third is made.
  const lookup = (_name: string, _options: object, done: Answering) =>
    done(null, [
      { address: '::1', family: 6 },
      { address: '127.0.0.2', family: 4 },
      { address: host, family: 4 },
    ])
  try {
    for (const site of [home, ...sites]) {
      const options = {
        port,
        host: 'x',
        lookup: lookup as never,
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: 10,
      }
      const answer = await site.run(() =>
        readAll(net.connect(options), (it) => assert.equal(placeOfSocket(it), site.place)),
      )
      assert.equal(answer, site.name)
    }
  } finally {
    for (const service of services) service?.close()
  }
})

test('localAddress and localPort: bound and connected inside', needs('admin'), async () => {
  const port = nextPort()
  const service = await A.run(() => PROTOCOLS.net?.serve(port, 'A'))
  const client = A.run(() => net.connect({ port, host, localAddress: '127.0.0.9', localPort: port }))
  await once(client, 'connect')
  assert.equal(client.localAddress, '127.0.0.9')
  assert.equal(placeOfSocket(client), A.place)
  client.destroy()
  service?.close()
})

test(
  'a net.Socket that connects again, from its close event, and from another context afterwards',
  needs('admin'),
  async () => {
    const port = nextPort()
    const services: (Service | undefined)[] = []
    for (const site of sites) services.push(await site.run(() => PROTOCOLS.net?.serve(port, site.name)))
    const socket = new net.Socket()
    const places: string[] = []
    socket.on('connect', () => places.push(placeOfSocket(socket)))
    await A.run(async () => {
      socket.connect(port, host).resume()
      await once(socket, 'close')
      socket.connect(port, host).resume()
      await once(socket, 'close')
    })
    await B.run(async () => {
      socket.connect(port, host).resume()
      await once(socket, 'close')
    })
    assert.deepEqual(places, [A.place, A.place, B.place])
    for (const service of services) service?.close()
  },
)

test('a server that listens again in another context moves there', needs('admin'), async () => {
  const server = net.createServer()
  for (const site of [A, home, B, A]) {
    site.run(() => server.listen(0, host))
    await once(server, 'listening')
    assert.equal(placeOfSocket(server), site.place)
    server.close()
    await once(server, 'close')
  }
})

test(
  'dgram: send before bind, connect, recvStart, multicast membership: the socket is made inside by each',
  needs('admin'),
  async () => {
    A.run(() => ip('route', 'add', '224.0.0.0/4', 'dev', 'lo'))
    const ways: Record<string, (socket: dgram.Socket) => void> = {
      send: (socket) => socket.send('x', 9, host),
      connect: (socket) => socket.connect(9, host),
      bind: (socket) => void socket.bind(),
      addMembership: (socket) => socket.addMembership('224.0.0.114', host),
    }
    for (const [name, act] of Object.entries(ways)) {
      const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true })
      socket.on('error', () => {})
      A.run(() => act(socket))
      await new Promise((resolve) => setTimeout(resolve, 10))
      assert.equal(placeOfSocket(socket), A.place, name)
      socket.close()
    }
  },
)

test('a server over a descriptor is where the descriptor is, whatever the context', needs('admin'), async () => {
  const fd = socketat(spaceOf(A), AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
  const server = B.run(() => net.createServer((socket) => socket.end('A')).listen({ fd }))
  await once(server, 'listening')
  assert.equal(placeOfSocket(server), A.place)
  const { port } = server.address() as net.AddressInfo
  assert.equal(await A.run(() => readAll(net.connect(port, host), () => {})), 'A')
  server.close()
})

test('IPv6 link-local: a scope id is the name of an interface of the namespace', needs('admin'), async () => {
  A.run(() => ip('link', 'add', 'nsfdc0', 'index', '7701', 'type', 'veth', 'peer', 'name', 'nsfdc1', 'index', '7702'))
  A.run(() => ip('link', 'set', 'nsfdc1', 'netns', `/proc/${process.pid}/fd/${spaceOf(B).fd}`))
  A.run(() => ip('addr', 'add', 'fe80::a/64', 'dev', 'nsfdc0', 'nodad'))
  B.run(() => ip('addr', 'add', 'fe80::b/64', 'dev', 'nsfdc1', 'nodad'))
  A.run(() => ip('link', 'set', 'nsfdc0', 'up'))
  B.run(() => ip('link', 'set', 'nsfdc1', 'up'))
  const port = nextPort()
  const server = B.run(() => net.createServer((socket) => socket.end('B')).listen(port, 'fe80::b%nsfdc1'))
  await once(server, 'listening')
  assert.equal((server.address() as net.AddressInfo).address, 'fe80::b%nsfdc1')
  const client = A.run(() => net.connect(port, 'fe80::b%nsfdc0'))
  const seen: (string | undefined)[] = []
  assert.equal(await readAll(client, () => seen.push(client.remoteAddress, client.localAddress)), 'B')
  assert.deepEqual(seen, ['fe80::b%nsfdc0', 'fe80::a%nsfdc0'], 'the names are those of the namespace, asked at home')
  const datagrams = dgram.createSocket('udp6')
  A.run(() => datagrams.bind(0, 'fe80::a%nsfdc0'))
  await once(datagrams, 'listening')
  assert.equal(datagrams.address().address, 'fe80::a%nsfdc0')
  await new Promise<void>((resolve, reject) => {
    A.run(() => datagrams.send('x', port, 'fe80::b%nsfdc0', (error) => (error ? reject(error) : resolve())))
  })
  datagrams.close()
  server.close()
})

test('os.networkInterfaces shows the interfaces of the namespace, and at home those of home', needs('admin'), () => {
  const inside = A.run(() => os.networkInterfaces())
  assert.ok(inside.nsfdc0?.some(({ address }) => address === 'fe80::a'))
  assert.equal(inside.nsfdc1, undefined)
  assert.equal(os.networkInterfaces().nsfdc0, undefined)
  assert.notDeepEqual(os.networkInterfaces(), inside)
})

test('TLS sessions are resumed inside, with SNI, and never offered to the other side', needs('admin'), async () => {
  const port = nextPort()
  const services: Service[] = []
  const reused: Record<string, boolean[]> = {}
  for (const { run, name } of [home, ...sites]) {
    reused[name] = []
    const server = https.createServer({ key, cert }, (request, response) => {
      reused[name]?.push((request.socket as tls.TLSSocket).isSessionReused())
      response.end(name)
    })
    services.push(await run(() => listen(server, { port, host })))
  }
  const agent = new https.Agent({ keepAlive: false })
  for (let round = 0; round < 3; round++) {
    for (const { run, name } of [home, ...sites]) {
      const ask = () => readResponse(https.get({ port, host, agent, ...trusting }), () => {})
      assert.equal(await run(ask), name)
    }
  }
  for (const { name } of [home, ...sites]) assert.deepEqual(reused[name], [false, true, true], name)
  for (const service of services) service.close()
})

test(
  'an HTTP/2 session is used where it was opened; from elsewhere the request is refused',
  needs('admin'),
  async () => {
    const port = nextPort()
    const services: (Service | undefined)[] = []
    for (const site of [home, ...sites]) services.push(await site.run(() => PROTOCOLS.http2?.serve(port, site.name)))
    for (const [from, to] of [
      [home, A],
      [A, home],
      [A, B],
    ] as const) {
      const session = from.run(() => http2.connect(`http://${host}:${port}`))
      assert.equal(await from.run(() => readText(session.request({ ':path': '/' }))), from.name)
      assert.throws(() => to.run(() => session.request({ ':path': '/' })), { code: 'ERR_NSFD_POOL' })
      session.close()
    }
    for (const service of services) service?.close()
  },
)

test('users of process.binding get the wrapped calls too', needs('admin'), () => {
  const { TCP, constants } = (process as never as { binding(name: string): never }).binding('tcp_wrap') as {
    TCP: new (type: number) => { bind(address: string, port: number): number; close(): void; fd: number }
    constants: { SERVER: number }
  }
  const handle = new TCP(constants.SERVER)
  A.run(() => assert.equal(handle.bind(host, 0), 0))
  assert.equal(placeOfSocket(handle), A.place)
  handle.close()
})

test(
  'ns.lookup answers inside whoever calls it, and calls back in the context of its caller',
  needs('admin'),
  async () => {
    const port = nextPort()
    const services: (Service | undefined)[] = []
    for (const site of [home, A]) services.push(await site.run(() => PROTOCOLS.net?.serve(port, site.name)))
    const { lookup } = spaceOf(A)
    const found = await new Promise((resolve) => lookup('localhost', { family: 4 }, (_, address) => resolve(address)))
    assert.equal(found, host)
    assert.equal(await readAll(net.connect({ port, host: 'localhost', lookup, family: 4 }), () => {}), 'home')
    assert.throws(() => lookup('localhost', {}, undefined as never), { code: 'ERR_INVALID_ARG_VALUE' })
    for (const service of services) service?.close()
  },
)

test('ns.agent: requests of every context leave from the namespace, over http and https', needs('admin'), async () => {
  const { default: http } = await import('node:http')
  const [plain, secure] = [nextPort(), nextPort()]
  const services: (Service | undefined)[] = []
  for (const site of [home, A]) {
    services.push(await site.run(() => PROTOCOLS.http?.serve(plain, site.name)))
    services.push(await site.run(() => PROTOCOLS.https?.serve(secure, site.name)))
  }
  const agent = spaceOf(A).agent({ maxSockets: 1 })
  const agentOfTls = spaceOf(A).agent({ protocol: 'https:', maxSockets: 1 })
  const ask = () =>
    readResponse(http.get({ port: plain, host, agent }), (it) => assert.equal(placeOfSocket(it), A.place))
  const askTls = () => readResponse(https.get({ port: secure, host, agent: agentOfTls, ...trusting }), () => {})
  for (const one of [ask, askTls]) {
    const asked = [home, A, B, home, A, B].map((site) => site.run(one))
    assert.deepEqual(await Promise.all(asked), ['A', 'A', 'A', 'A', 'A', 'A'])
  }
  assert.throws(() => spaceOf(A).agent({ protocol: 'ftp:' as never }), { code: 'ERR_INVALID_ARG_VALUE' })
  agent.destroy()
  agentOfTls.destroy()
  for (const service of services) service?.close()
})
