// ws: both sides. Servers in processes of their own, and servers that live in this very process, a namespace each.
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket as WebSocketOfWs, WebSocketServer } from 'ws'
import { interleave } from './support/interleave.js'
import { needsServers, type Side, type Sides, twoSides } from './support/sides.js'

type Client = Pick<WebSocketOfWs, 'send' | 'close'> & EventTarget

test('ws: a connection a namespace, interleaved: no answer from the wrong side', needsServers(), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await side.startProgram('ws-server', [String(sides.port)])
  const sockets = new Map<Side, WebSocketOfWs>()
  const waiting = new Map<string, (answer: string) => void>()
  for (const side of sides.both) {
    const socket = side.ns.run(() => open(sides))
    sockets.set(side, socket)
    sides.atEnd(() => socket.terminate())
    socket.on('message', (message) => {
      const [n, answer] = String(message).split(' ') as [string, string]
      waiting.get(n)?.(answer)
    })
    await once(socket, 'open')
  }
  await interleave(sides, {
    ask: (side, n) =>
      new Promise((resolve) => {
        waiting.set(String(n), resolve)
        sockets.get(side)?.send(String(n))
      }),
    expected: (side) => side.ns.toString(),
    askAtHome: () => askOnce(open(sides) as never),
  })
})

test('ws: a connection for every request', needsServers(), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await side.startProgram('ws-server', [String(sides.port)])
  await interleave(sides, {
    ask: (side) => side.ns.run(() => askOnce(open(sides) as never)),
    expected: (side) => side.ns.toString(),
    askAtHome: () => askOnce(open(sides) as never),
  })
})

test('ws: both sides in one process: servers made in run() listen inside', needsServers(), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) {
    const server = side.ns.run(() => new WebSocketServer({ host: '127.0.0.1', port: sides.port }))
    server.on('connection', (socket) => socket.on('message', (message) => socket.send(`${message} ${side.name}`)))
    sides.atEnd(() => {
      for (const socket of server.clients) socket.terminate()
      server.close()
    })
    await once(server, 'listening')
  }
  await interleave(sides, {
    ask: (side) => side.ns.run(() => askOnce(open(sides) as never)),
    askAtHome: () => askOnce(open(sides) as never),
  })
})

const noGlobal = typeof globalThis.WebSocket === 'undefined' && 'this Node has no global WebSocket'
const options = needsServers()
test("Node's own WebSocket against servers of ws", { ...options, skip: options.skip ?? noGlobal }, async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await side.startProgram('ws-server', [String(sides.port)])
  const openGlobal = () => new globalThis.WebSocket(`ws://127.0.0.1:${sides.port}/`) as unknown as Client
  await interleave(sides, {
    ask: (side) => side.ns.run(() => askOnce(openGlobal())),
    expected: (side) => side.ns.toString(),
    askAtHome: () => event(openGlobal(), 'open'),
    wasRefused: () => true, // the browsers' interface does not say why a connection failed, on purpose
  })
})

function open({ port }: Sides): WebSocketOfWs {
  return new WebSocketOfWs(`ws://127.0.0.1:${port}/`)
}

async function askOnce(socket: Client): Promise<string> {
  await event(socket, 'open')
  const answer = event(socket, 'message')
  socket.send('who?')
  const { data } = (await answer) as MessageEvent
  socket.close()
  return String(data).split(' ')[1] as string
}

function event(socket: Client, name: string): Promise<Event> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(name, resolve, { once: true })
    socket.addEventListener('error', (event) => reject((event as { error?: Error }).error ?? event), { once: true })
  })
}
