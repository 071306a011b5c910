// A door into a namespace: clients connect at home, and the proxy connects on from inside. Each half stays where it is.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { Namespace } from 'nsfd'

using red = Namespace.create('net')
red.runSync(() => execFileSync('ip', ['link', 'set', 'lo', 'up']))

const inside = red.run(() => createServer((socket) => socket.end('you have reached the inside\n')))
await red.run(() => listening(inside, 7000))

const door = createServer((client) => {
  const onward = red.run(() => connect(7000, '127.0.0.1'))
  client.on('error', () => onward.destroy())
  onward.on('error', () => client.destroy())
  client.pipe(onward).pipe(client)
})
const port = await listening(door, 0)

const visitor = connect(port, '127.0.0.1')
visitor
  .setEncoding('utf8')
  .on('data', (text) => process.stdout.write(`through the door at home, port ${port}: ${text}`))
await once(visitor, 'close')
door.close()
inside.close()

async function listening(server: Server, at: number): Promise<number> {
  server.listen(at, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
