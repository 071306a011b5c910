// setns() is for good, so it has a process of its own. Prints what happened as JSON.
import { readdirSync, readlinkSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import { AF_INET, Namespace, SOCK_STREAM, setns, socketat } from 'nsfd'

const place = (tid: number | 'thread-self') =>
  readlinkSync(tid === 'thread-self' ? '/proc/thread-self/ns/net' : `/proc/self/task/${tid}/ns/net`)

const home = place('thread-self')
const target = Namespace.create('net')
const second = Namespace.create('net')

setns(target, 'net')
const afterObject = place('thread-self')
setns('net', second.fd)
const afterSeedOrder = place('thread-self')
setns(target.fd)
const afterDescriptor = place('thread-self')

// The pool was started at home, and stays there; asynchronous files work as before.
await Promise.all(Array.from({ length: 32 }, () => stat('/')))
const others = new Set(
  readdirSync('/proc/self/task')
    .map(Number)
    .filter((tid) => tid !== process.pid)
    .map(place),
)

// From here on this thread's sockets are there, and socketat comes back to there.
const server = createServer()
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve).on('error', () => resolve()))
const serverAt = String(Namespace.ofSocket((server as unknown as { _handle: { fd: number } })._handle.fd))
server.close()
socketat(second, AF_INET, SOCK_STREAM)
const afterSocketat = place('thread-self')
Namespace.create('net').close()
const afterCreate = place('thread-self')

// A thread that is born now is born abroad: that is what "for good" means.
const born = await new Promise((resolve) => {
  const worker = new Worker(
    `require('node:worker_threads').parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self/ns/net'))`,
    { eval: true },
  )
  worker.on('message', resolve)
})

process.stdout.write(
  JSON.stringify({
    home,
    target: String(target),
    second: String(second),
    afterObject,
    afterSeedOrder,
    afterDescriptor,
    others: [...others],
    serverAt,
    afterSocketat,
    afterCreate,
    born,
  }),
)
