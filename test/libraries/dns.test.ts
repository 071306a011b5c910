// Names: a DNS server in each namespace answers the same name with another address, and every lookup of Node's hears it.
import dns from 'node:dns'
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import axios from 'axios'
import { Redis } from 'ioredis'
import { Namespace } from '#dist/index.js'
import { uniqueName } from '../support/names.js'
import { serverProgram } from '../support/servers.js'
import { interleave } from './support/interleave.js'
import { startRedis } from './support/redis-server.js'
import { needsServers, type Side, type Sides, twoSides } from './support/sides.js'

const NAME = 'service.proof.test'
const SHORT = 'service'
const ADDRESS = { red: '127.0.10.1', blue: '127.0.20.2' }

/** Asked by turns. */
const LOOKUPS: (() => Promise<string | undefined>)[] = [
  async () => (await dns.promises.lookup(NAME)).address,
  async () => (await dns.promises.lookup(SHORT, 4)).address, // by the search list
  () =>
    new Promise((resolve, reject) => {
      dns.lookup(NAME, { all: true }, (error, found) => (error ? reject(error) : resolve(found[0]?.address)))
    }),
  async () => (await dns.promises.resolve4(NAME))[0],
  () =>
    new Promise((resolve, reject) => {
      dns.resolve4(NAME, (error, found) => (error ? reject(error) : resolve(found[0])))
    }),
  async () => (await new dns.promises.Resolver().resolve4(NAME))[0],
  async () => (await dns.promises.resolveTxt(NAME)).flat().join(),
]

test('dns: one name, another address in each namespace, interleaved', needsServers('dnsmasq'), async () => {
  await using sides = await twoSides()
  using places = await startDns(sides)
  await interleave(sides, {
    ask: async (side, n) => String(await places.of(side).run(async () => LOOKUPS[n % LOOKUPS.length]?.())),
    expected: (side) => ADDRESS[side.name],
    askAtHome,
    wasRefused: isNoAnswer,
  })
})

test(
  'dns: fetch, axios and ioredis find the server of their side by its name',
  needsServers('dnsmasq', 'redis'),
  async () => {
    await using sides = await twoSides()
    using places = await startDns(sides)
    const clients = new Map<Side, Redis>()
    for (const side of sides.both) {
      await startRedis(side, sides.port, ADDRESS[side.name])
      const web = createServer((_, response) => response.end(side.name))
      places.of(side).run(() => web.listen(sides.port + 1, ADDRESS[side.name]))
      const redis = places.of(side).run(() => new Redis({ host: NAME, port: sides.port, lazyConnect: true }))
      clients.set(side, redis)
      sides.atEnd(() => {
        redis.disconnect()
        web.close().closeAllConnections()
      })
    }
    const url = `http://${NAME}:${sides.port + 1}/`
    const ways: ((side: Side) => Promise<unknown>)[] = [
      async () => (await fetch(url)).text(),
      async () => (await axios.get(url)).data,
      async (side) => clients.get(side)?.get('side'),
      async () => {
        const redis = new Redis({ host: NAME, port: sides.port })
        const answer = await redis.get('side')
        redis.disconnect()
        return answer
      },
    ]
    await interleave(sides, {
      ask: async (side, n) => String(await places.of(side).run(async () => ways[n % ways.length]?.(side))),
      askAtHome,
      wasRefused: isNoAnswer,
    })
  },
)

type Places = { of(side: Side): Namespace } & Disposable

/** A dnsmasq on each side, and the side's namespace by a name, for which /etc/netns/<name>/resolv.conf leads there. */
async function startDns(sides: Sides): Promise<Places> {
  const places = new Map<Side, Namespace>()
  const undo: (() => void)[] = []
  const hadFolder = existsSync('/etc/netns')
  for (const side of sides.both) {
    await startDnsmasq(side)
    const name = uniqueName(side.name)
    const pin = side.ns.pin(name)
    undo.push(() => pin.unpin())
    const folder = join('/etc/netns', name)
    mkdirSync(folder, { recursive: true })
    undo.push(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\nsearch proof.test\n')
    const place = Namespace.named(name)
    undo.push(() => place.close())
    places.set(side, place)
  }
  return {
    of: (side) => places.get(side) as Namespace,
    [Symbol.dispose]() {
      for (const each of undo.reverse()) each()
      if (!hadFolder && readdirSync('/etc/netns').length === 0) rmdirSync('/etc/netns')
    },
  }
}

async function startDnsmasq(side: Side): Promise<void> {
  const file = join(side.dir, 'dnsmasq.conf')
  const address = ADDRESS[side.name]
  writeFileSync(
    file,
    `listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
user=root
pid-file=
local=/test/
local-ttl=1
host-record=${NAME},${address}
txt-record=${NAME},${address}
`,
  )
  await side.start(serverProgram('dnsmasq'), ['--keep-in-foreground', `--conf-file=${file}`], { readyAt: 53 })
}

/** The server that the namespaces have at this address does not exist at home. */
function askAtHome(): Promise<unknown> {
  const resolver = new dns.promises.Resolver({ timeout: 500, tries: 1 })
  resolver.setServers(['127.0.0.1'])
  return resolver.resolve4(NAME)
}

function isNoAnswer(error: unknown): boolean {
  return ['ECONNREFUSED', 'ENOTFOUND', 'EREFUSED', 'ESERVFAIL'].includes((error as NodeJS.ErrnoException).code ?? '')
}
