// The least an HTTP server can be, so that a client is never kept waiting. Says its port. A path of /close is obeyed.
import { type AddressInfo, createServer } from 'node:net'
import { answer } from './answer.js'

const response = (headers: string) => Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 6\r\n${headers}\r\nhello\n`)
const KEEP = response('')
const CLOSE = response('Connection: close\r\n')

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (request) => {
    if (request.indexOf('/close') === -1) socket.write(KEEP)
    else socket.end(CLOSE)
  })
  socket.on('error', () => socket.destroy())
})
server.listen(0, '127.0.0.1', 1024, () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))

await answer(() => '')
