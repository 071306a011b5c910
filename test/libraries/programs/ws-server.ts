// A WebSocket server whose every answer names the network namespace the kernel says it is in. Argument: the port.
import { readlinkSync } from 'node:fs'
import { WebSocketServer } from 'ws'

const here = readlinkSync('/proc/self/ns/net')
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]) })
server.on('connection', (socket) => {
  socket.on('message', (message) => socket.send(`${message} ${here}`))
})
