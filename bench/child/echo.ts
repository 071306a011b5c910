// echo run|plain|storage <namespace> <exchange>: an echo server and its clients in one process, for answerSlices. Both
// are in the same place, so every call that makes a socket is measured: bind, listen, connect, accept, send.
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { answerSlices } from './slices.js'

const [mode, name = '', how = ''] = process.argv.slice(2)
const HOST = '127.0.0.1'
const MESSAGE = Buffer.alloc(64, 'echo ')

type Exchange = { prepare(): Promise<void>; once(): Promise<void> }

let port = 0
/** Those that no exchange uses at the moment. */
const idleStreams: Socket[] = []
const idleDatagrams: Datagrams[] = []

const EXCHANGES: Record<string, Exchange> = {
  'tcp keep': { prepare: serveStreams, once: () => streamExchange(idleStreams) },
  'tcp new': { prepare: serveStreams, once: () => streamExchange() },
  'udp keep': { prepare: serveDatagrams, once: () => datagramExchange(idleDatagrams) },
  'udp new': { prepare: serveDatagrams, once: () => datagramExchange() },
}

async function serveStreams(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (bytes) => socket.write(bytes)).on('error', () => socket.destroy())
  })
  server.listen(0, HOST, 1024)
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
}

/** Sends the message, waits for all of it, and keeps the connection, or ends it. */
function streamExchange(idle?: Socket[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = idle?.pop() ?? connect({ port, host: HOST, noDelay: true })
    let missing = MESSAGE.length
    const fail = (error: Error) => reject(error)
    const read = (bytes: Buffer) => {
      missing -= bytes.length
      if (missing > 0) return
      socket.off('data', read).off('error', fail)
      if (idle !== undefined) idle.push(socket)
      else socket.on('error', () => {}).destroy()
      resolve()
    }
    socket.on('data', read).on('error', fail).write(MESSAGE)
  })
}

async function serveDatagrams(): Promise<void> {
  const server = createSocket('udp4')
  server.on('message', (bytes, { port: from, address }) => server.send(bytes, from, address))
  server.bind(0, HOST)
  await once(server, 'listening')
  port = server.address().port
}

/** Sends the message and waits for it; loopback loses nothing while buffers have room. */
function datagramExchange(idle?: Datagrams[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = idle?.pop() ?? createSocket('udp4')
    const fail = (error: Error) => reject(error)
    socket.once('error', fail)
    socket.once('message', (bytes) => {
      socket.off('error', fail)
      if (idle !== undefined) idle.push(socket)
      else socket.close()
      if (bytes.length === MESSAGE.length) resolve()
      else reject(new Error(`${bytes.length} bytes came back`))
    })
    socket.send(MESSAGE, port, HOST)
  })
}

const exchange = EXCHANGES[how]
if (exchange === undefined) throw new Error(`no such exchange: ${how}`)
await answerSlices(mode, name, exchange.once, exchange.prepare)
