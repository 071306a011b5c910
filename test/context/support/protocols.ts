// One server and one client of everything in Node that talks over a network, in a common shape.
import dgram from 'node:dgram'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { cert, key } from './certificate.js'
import { acceptWebSocket } from './websocket.js'

export type Seen = (socket: unknown) => void
export type Protocol = {
  /** Answers every question at 127.0.0.1:port with `answer`. */
  serve(port: number, answer: string): Promise<Service>
  /** Asks once; shows the client's socket, where the protocol's client has one to show. */
  ask(port: number, seen: Seen): Promise<string>
  missing?: boolean
}
export type Service = { socket: unknown; close(): void }

const host = '127.0.0.1'
export const trusting = { ca: cert, servername: 'localhost' }

export const PROTOCOLS: Record<string, Protocol> = {
  net: {
    serve: (port, answer) =>
      listen(
        net.createServer((socket) => socket.on('error', ignore).end(answer)),
        { port, host },
      ),
    ask: (port, seen) => readAll(net.connect({ port, host }), seen),
  },
  'net over an abstract unix socket': {
    serve: (port, answer) =>
      listen(
        net.createServer((socket) => socket.on('error', ignore).end(answer)),
        { path: `\0nsfd-test-${port}` },
      ),
    ask: (port, seen) => readAll(net.connect({ path: `\0nsfd-test-${port}` }), seen),
  },
  tls: {
    serve: (port, answer) =>
      listen(
        tls.createServer({ key, cert }, (socket) => socket.on('error', ignore).end(answer)),
        { port, host },
      ),
    ask: (port, seen) => readAll(tls.connect({ port, host, ...trusting }), seen),
  },
  http: {
    serve: (port, answer) =>
      listen(
        http.createServer((_, response) => response.end(answer)),
        { port, host },
      ),
    ask: (port, seen) => readResponse(http.get({ port, host }), seen),
  },
  https: {
    serve: (port, answer) =>
      listen(
        https.createServer({ key, cert }, (_, response) => response.end(answer)),
        { port, host },
      ),
    ask: (port, seen) => readResponse(https.get({ port, host, ...trusting }), seen),
  },
  http2: {
    serve: (port, answer) =>
      listen(http2.createServer((_, response) => response.end(answer)) as unknown as net.Server, { port, host }),
    ask: async (port, seen) => {
      const session = http2.connect(`http://${host}:${port}`)
      await once(session, 'connect')
      seen((session.socket as unknown as { _handle: unknown })._handle)
      const answer = await readText(session.request({ ':path': '/' }))
      session.close()
      return answer
    },
  },
  dgram: {
    serve: async (port, answer) => {
      const socket = dgram.createSocket('udp4', (_, from) => socket.send(answer, from.port, from.address))
      socket.bind(port, host)
      await once(socket, 'listening')
      return { socket, close: () => void socket.close() }
    },
    ask: async (port, seen) => {
      const socket = dgram.createSocket('udp4').unref() // it may wait for an answer that never comes
      socket.send('?', port, host)
      const [message] = (await once(socket, 'message')) as [Buffer]
      seen(socket)
      socket.close()
      return message.toString()
    },
  },
  fetch: {
    serve: (port, answer) =>
      listen(
        http.createServer((_, response) => response.end(answer)),
        { port, host },
      ),
    ask: async (port) => (await fetch(`http://${host}:${port}/`)).text(),
  },
  WebSocket: {
    missing: typeof WebSocket === 'undefined',
    serve: (port, answer) => listen(http.createServer().on('upgrade', acceptWebSocket(answer)), { port, host }),
    ask: async (port) => {
      const socket = new WebSocket(`ws://${host}:${port}/`)
      return new Promise((resolve, reject) => {
        socket.onmessage = ({ data }) => {
          resolve(String(data))
          socket.close()
        }
        socket.onerror = (event) => reject((event as { error?: unknown }).error ?? new Error('WebSocket error'))
      })
    },
  },
}

/** Starts a server and closes it with everything that hangs on it. */
export async function listen(server: net.Server, where: net.ListenOptions): Promise<Service> {
  const open = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.listen(where)
  await once(server, 'listening')
  return {
    socket: server,
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

export async function readAll(socket: net.Socket, seen: Seen): Promise<string> {
  await once(socket, socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect')
  seen(socket)
  return readText(socket)
}

export async function readResponse(request: http.ClientRequest, seen: Seen): Promise<string> {
  request.on('socket', (socket) => (socket.connecting ? socket.once('connect', () => seen(socket)) : seen(socket)))
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return readText(response)
}

export async function readText(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

// A client that has read what it wanted may hang up first: of no interest to the server.
function ignore(): void {}
