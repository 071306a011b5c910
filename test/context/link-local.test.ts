// Datagrams from link-local senders, whose interface home does not have: what docs/context.md says of them, and the way out.
import assert from 'node:assert/strict'
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { Namespace, NamespaceWorker } from 'nsfd'
import { needs } from '../support/needs.js'
import { ip } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()

/** An index that no interface at home has. */
const INDEX = 987_654
const PORT = 5353

test(
  'inside run the socket says ENXIO; in a NamespaceWorker they arrive with their scope',
  needs('admin', 'iproute2'),
  async () => {
    using here = Namespace.create('net')
    using there = Namespace.create('net')
    const address = await link(here, there)
    const say = () =>
      there.run(() => {
        const socket = createSocket('udp6').unref()
        socket.send('hello', PORT, `${address}%right`, () => socket.close())
      })

    const socket = here.run(() => createSocket('udp6').bind(PORT, '::'))
    await once(socket, 'listening')
    socket.on('message', () => assert.fail('Node can read it now: docs/context.md says otherwise'))
    const failed = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>
    say()
    assert.equal((await failed)[0].code, 'ENXIO')
    socket.close()
    await once(socket, 'close')

    const worker = new NamespaceWorker(LISTEN, { namespaces: [here], eval: true, workerData: PORT })
    assert.deepEqual(await once(worker, 'message'), ['listening'])
    say()
    const [from] = (await once(worker, 'message')) as [RemoteInfo]
    const [, plain] = /^(fe80::.*)%left$/.exec(from.address) ?? []
    assert.equal(plain, linkLocal(there, 'right'))
    await worker.terminate()
  },
)

const LISTEN = `const { parentPort, workerData } = require('node:worker_threads')
const socket = require('node:dgram').createSocket('udp6').bind(workerData, '::')
socket.on('listening', () => parentPort.postMessage('listening'))
socket.on('message', (_, from) => parentPort.postMessage(from))`

/** Links two namespaces, left here and right there; returns the address of left. */
async function link(here: Namespace, there: Namespace): Promise<string> {
  const peer = ['peer', 'name', 'right', 'netns', `/proc/${process.pid}/fd/${there.fd}`]
  here.runSync(() => ip('link', 'add', 'left', 'index', String(INDEX), 'type', 'veth', ...peer))
  for (const [ns, name] of [
    [here, 'left'],
    [there, 'right'],
  ] as const) {
    ns.runSync(() => ip('link', 'set', name, 'up'))
  }
  for (;;) {
    const [left, right] = [linkLocal(here, 'left'), linkLocal(there, 'right')]
    if (left !== undefined && right !== undefined) return left
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** Once nobody else has turned out to use it. */
function linkLocal(ns: Namespace, name: string): string | undefined {
  const shown = ns.runSync(() => ip('-6', '-o', 'address', 'show', 'dev', name, 'scope', 'link', '-tentative'))
  return /fe80[0-9a-f:]*/.exec(shown)?.[0]
}
