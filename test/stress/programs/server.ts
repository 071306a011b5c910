// A server of everything at one port, whose every answer is the word it was given. Arguments: the port, the word.
import { createSocket } from 'node:dgram'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'

const [port = '', word = ''] = process.argv.slice(2)

const PATHS: Record<string, (response: ServerResponse, socket: Socket) => unknown> = {
  '/who': (response) => response.end(word),
  '/hang': () => {},
  '/reset': (_, socket) => socket.resetAndDestroy(),
  '/half': (response, socket) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('half of it', () => socket.destroy())
  },
}

const http = createHttpServer((request, response) => PATHS[request.url ?? '']?.(response, request.socket))
const greet = (socket: Socket) => socket.on('error', () => {}).end(word)
const udp = createSocket('udp4')
udp.on('message', (_, { port, address }) => udp.send(word, port, address))

http.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 })
createServer(greet).listen({ port: Number(port) + 1, host: '127.0.0.1', backlog: 4096 })
createServer(greet).listen({ path: `\0nsfd-stress-${port}`, backlog: 4096 })
udp.bind(Number(port), '127.0.0.1')
