// As much of a WebSocket server (RFC 6455) as it takes to say one thing to a client and hang up when it does.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export function acceptWebSocket(answer: string): (request: IncomingMessage, socket: Duplex) => void {
  return (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.write(Buffer.concat([Buffer.from([0x81, answer.length]), Buffer.from(answer)]))
    socket.on('data', () => socket.end(Buffer.from([0x88, 0])))
    socket.on('error', () => socket.destroy())
  }
}
