// Closing a Namespace that contexts still use: EBADF from then on, never at home, never in another namespace.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Namespace } from '#dist/index.js'
import { hooksFor, needs } from '../support/needs.js'
import { PROTOCOLS } from './support/protocols.js'
import { closeSites, home, makeSites, nextPort, placeOfSocket, type Site, spaceOf } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()
const { afterEach, beforeEach } = hooksFor('admin')
let A: Site
beforeEach(() => {
  ;[A] = makeSites(1) as [Site]
})
afterEach(() => closeSites([A]))

/** Waits inside, closes the Namespace meanwhile, opens others so that its descriptor number is taken, and acts. */
async function afterClosing<T>(act: () => T | Promise<T>): Promise<T> {
  const { fd } = spaceOf(A)
  const acted = A.run(async () => {
    await sleep(10)
    return act()
  })
  spaceOf(A).close()
  const others = Array.from({ length: 4 }, () => Namespace.create('net'))
  try {
    assert.ok(
      others.some((other) => other.fd === fd),
      'the number was not reused; the test shows nothing',
    )
    for (const other of others) other.run(() => {})
    return await acted
  } finally {
    for (const other of others) other.close()
  }
}

const MAKING: Record<string, (port: number) => Promise<unknown>> = {
  'net.connect': (port) => once(net.connect(port, '127.0.0.1'), 'connect'),
  'net listen': (port) => once(net.createServer().listen(port, '127.0.0.1'), 'listening'),
  'abstract unix listen': (port) => once(net.createServer().listen(`\0nsfd-closing-${port}`), 'listening'),
  'http.get': (port) => once(http.get({ port, host: '127.0.0.1', agent: false }), 'response'),
  'http.get, global agent': (port) => once(http.get({ port, host: '127.0.0.1' }), 'response'),
  fetch: (port) =>
    fetch(`http://127.0.0.1:${port}`).catch((error) => {
      throw error.cause ?? error
    }),
  'dgram bind': (port) => once(dgram.createSocket('udp4').bind(port, '127.0.0.1'), 'listening'),
  'dgram send': (port) => {
    const socket = dgram.createSocket('udp4')
    return new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.send('x', port, '127.0.0.1', (error) => (error ? reject(error) : resolve('sent')))
    })
  },
  spawn: () => once(spawn('true'), 'exit'),
  spawnSync: async () => {
    const { error } = spawnSync('true')
    if (error) throw error
  },
}

for (const [name, make] of Object.entries(MAKING)) {
  test(
    `${name} in a context whose Namespace was closed, its number taken by another: EBADF`,
    needs('admin'),
    async () => {
      const port = nextPort()
      const [atHome] = [await PROTOCOLS.http?.serve(port, 'home')]
      try {
        await assert.rejects(
          afterClosing(() => make(port)),
          { code: 'EBADF' },
        )
      } finally {
        atHome?.close()
      }
    },
  )
}

test('run and runSync of a closed Namespace are refused', needs('admin'), () => {
  spaceOf(A).close()
  assert.throws(() => A.run(() => {}), { code: 'ERR_NSFD_CLOSED' })
  assert.throws(() => spaceOf(A).runSync(() => {}), { code: 'ERR_NSFD_CLOSED' })
  assert.throws(() => spaceOf(A).bind(() => {}), { code: 'ERR_NSFD_CLOSED' })
})

test(
  'closing inside runSync itself: the call goes on where it is, comes home, and nothing is left open',
  needs('admin'),
  () => {
    const a = spaceOf(A)
    const { fd } = a
    const places = a.runSync(() => {
      a.close()
      assert.equal(a.closed, true)
      using other = Namespace.create('net')
      assert.notEqual(other.fd, fd, 'the number was given away while the thread stands on it')
      return [
        readlinkSync('/proc/thread-self/ns/net'),
        other.runSync(() => readlinkSync('/proc/thread-self/ns/net')) === other.toString(),
        readlinkSync('/proc/thread-self/ns/net'),
      ]
    })
    assert.deepEqual(places, [A.place, true, A.place])
    assert.equal(readlinkSync('/proc/thread-self/ns/net'), home.place)
    assert.throws(() => readlinkSync(`/proc/self/fd/${fd}`), { code: 'ENOENT' })
  },
)

test('sockets that were made before the close go on working', needs('admin'), async () => {
  const port = nextPort()
  const server = A.run(() => net.createServer((socket) => socket.pipe(socket)).listen(port, '127.0.0.1'))
  await once(server, 'listening')
  const client = A.run(() => net.connect(port, '127.0.0.1'))
  await once(client, 'connect')
  spaceOf(A).close()
  client.write('still here')
  const [echo] = (await once(client, 'data')) as [Buffer]
  assert.equal(echo.toString(), 'still here')
  assert.equal(placeOfSocket(client), A.place)
  client.destroy()
  server.close()
})

test(
  'a second Namespace object of the same namespace keeps working, fetch pools included, when the first is closed',
  needs('admin'),
  async () => {
    const port = nextPort()
    const again = spaceOf(A).clone()
    const service = await A.run(() => PROTOCOLS.fetch?.serve(port, 'A'))
    const ask = async () => (await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })).text()
    try {
      assert.equal(await A.run(ask), 'A')
      spaceOf(A).close()
      assert.equal(await again.run(ask), 'A')
      assert.equal(await again.run(ask), 'A')
    } finally {
      service?.close()
      again.close()
    }
  },
)
