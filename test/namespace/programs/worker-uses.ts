// On a Worker: everything the namespace floor does on the main thread; posts a socket that outlives the Worker.
import { readlinkSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { AF_INET, Namespace, SOCK_STREAM, socketat } from 'nsfd'

const { shared, name } = workerData as { shared: number; name: string }
const home = readlinkSync('/proc/thread-self/ns/net')
const made = Namespace.create('net')
const pin = made.pin(name)
const named = Namespace.named(name)
const same = named.equals(made)
named.close()
pin.unpin()
const own = socketat(made, AF_INET, SOCK_STREAM)
const ofOwn = Namespace.ofSocket(own)
const right = ofOwn.equals(made)
ofOwn.close()
const there = socketat(shared, AF_INET, SOCK_STREAM)
for (const kind of ['net', 'uts', 'ipc', 'cgroup'] as const) Namespace.create(kind).close()
parentPort?.postMessage({
  same,
  right,
  athome: readlinkSync('/proc/thread-self/ns/net') === home,
  made: made.fd,
  own,
  there,
})
