// A network of a thousand namespaces on one bridge, in one process: made, reached over TCP one by one, and taken down.
// Run: node build/examples/topology.js [COUNT]     (root; 1,000 if not given)
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { promisify } from 'node:util'
import { Namespace } from 'nsfd'
import { Route } from 'nsfd/rtnetlink'

const COUNT = Number(process.argv[2] ?? 1000)
const GROUP = 1000
const PORT = 7
const ONE_QUEUE = { txQueues: 1, rxQueues: 1 }
const HUB = { address: '10.64.0.1', mac: '02:00:00:00:00:00' }
const mac = (i: number) =>
  `02:00:00:01:${[i >> 8, i & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`
const address = (i: number) => `10.${64 + ((i + 2) >> 16)}.${((i + 2) >> 8) & 255}.${(i + 2) & 255}`

const hub = Namespace.create('net') // the bridge has a namespace of its own
const bridge = Route.open(hub)
const spokes: Namespace[] = []

await timed('namespaces', async (tick) => {
  for (let i = 0; i < COUNT; i++) {
    spokes.push(Namespace.create('net'))
    if (i % 50 === 0) await tick(i)
  }
})

await timed('bridge and wires', async (tick) => {
  await bridge.link.add({ name: 'hub', kind: 'bridge', up: true, mac: HUB.mac })
  await bridge.address.add({ dev: 'hub', address: `${HUB.address}/10` })
  for (let from = 0; from < COUNT; from += 100) {
    const { failures } = await bridge.batch((b) => {
      for (const [i, netns] of spokes.slice(from, from + 100).entries()) {
        const [n, port] = [from + i, `port${from + i}`]
        const peer = { name: 'eth0', mac: mac(n), netns, up: true, ...ONE_QUEUE }
        b.link.add({ name: port, kind: 'veth', up: true, master: 'hub', group: GROUP, ...ONE_QUEUE, peer })
        // Who is where need not be asked: a question to a thousand ports overflows the kernel's queue of 1,000 packets.
        b.neighbour.replace({ family: 'bridge', dev: port, mac: mac(n), flags: ['master'] })
        b.neighbour.replace({ dev: 'hub', to: address(n), mac: mac(n) })
      }
    })
    if (failures[0]) throw failures[0].error
    await tick(from)
  }
})

await timed('addresses', async (tick) => {
  for (const [i, ns] of spokes.entries()) {
    await using there = Route.open(ns)
    await Promise.all([
      there.address.add({ dev: 'eth0', address: `${address(i)}/10` }),
      there.neighbour.replace({ dev: 'eth0', to: HUB.address, mac: HUB.mac }),
    ])
    if (i % 50 === 0) await tick(i)
  }
})

const servers: Server[] = []
await timed('servers', async (tick) => {
  for (const [i, ns] of spokes.entries()) {
    const server = ns.run(() => createServer((socket) => socket.end(String(i))).listen(PORT, address(i)))
    await once(server, 'listening')
    servers.push(server)
    if (i % 50 === 0) await tick(i)
  }
})

await timed('a connection to each', async (tick) => {
  for (let i = 0; i < COUNT; i++) {
    const [answer] = await once(
      hub.run(() => connect(PORT, address(i))),
      'data',
    )
    if (String(answer) !== String(i)) throw new Error(`${address(i)} answered ${answer}`)
    if (i % 50 === 0) await tick(i)
  }
})

await timed('all down again', async () => {
  // Before the links go: a connection that can no longer say goodbye would keep this process for minutes.
  await Promise.all(servers.map((server) => promisify(server.close).call(server)))
  await bridge.link.delete({ group: GROUP }) // one request; one by one it takes half a minute
  for (const ns of spokes) ns.close()
  await bridge.close()
  hub.close()
})

/** Shows a bar while work goes on, and how long it took. */
async function timed(what: string, work: (tick: (done: number) => Promise<void>) => Promise<void>): Promise<void> {
  const begin = performance.now()
  const show = (done: number) => {
    const bar = '█'.repeat(Math.round((done / COUNT) * 30)).padEnd(30, '·')
    if (process.stdout.isTTY) process.stdout.write(`\r${what.padEnd(22)} ${bar}`)
  }
  await work(async (done) => {
    show(done)
    await new Promise(setImmediate)
  })
  show(COUNT)
  const start = process.stdout.isTTY ? '' : what.padEnd(22)
  console.log(`${start} ${(performance.now() - begin).toFixed(0).padStart(6)} ms`)
}
