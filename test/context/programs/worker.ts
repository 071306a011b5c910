// On a Worker: where it is, where a socket made by run is, and where it is afterwards.
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import net from 'node:net'
import { parentPort } from 'node:worker_threads'
import { Namespace } from '#dist/index.js'

const place = () => readlinkSync('/proc/thread-self/ns/net')
const start = place()
const namespace = Namespace.create('net')
const server = namespace.run(() => net.createServer().listen(0))
await once(server, 'listening')
const inside = Namespace.ofSocket((server as unknown as { _handle: { fd: number } })._handle.fd)
parentPort?.postMessage({ start, inside: inside.toString(), wanted: namespace.toString(), end: place() })
server.close()
inside.close()
namespace.close()
