// A cluster worker that tries to serve inside run.
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { Namespace } from '#dist/index.js'

const namespace = Namespace.create('net')
const attempt = (work: () => unknown) => {
  try {
    namespace.run(work)
    return 'it ran'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}
const server = net.createServer()
namespace.run(() => server.listen({ port: 0, exclusive: true }))
await once(server, 'listening')
const place = Namespace.ofSocket((server as unknown as { _handle: { fd: number } })._handle.fd)
process.send?.({
  shared: attempt(() => net.createServer().listen(0)),
  datagrams: attempt(() => dgram.createSocket('udp4').bind(0)),
  exclusive: place.equals(namespace) ? 'inside' : String(place),
})
server.close()
