// first-use <client> <home|A|B>: a client that is loaded only after the first run(), and by whom. Every place then asks, first
// all in one breath, then in turns over hot connections. Says as JSON whether it was loaded before, and who answered whom.
import { execFileSync } from 'node:child_process'
import type http2 from 'node:http2'
import { createRequire } from 'node:module'
import net from 'node:net'
import { Namespace } from 'nsfd'

type Ask = () => Promise<string>
type Undici = typeof import('undici')

const captured = globalThis.fetch
const [client = '', first] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const inside = { A: Namespace.create('net'), B: Namespace.create('net') }
const places = [
  { name: 'home', run: <T>(fn: () => T) => fn() },
  ...Object.entries(inside).map(([name, ns]) => ({ name, run: <T>(fn: () => T) => ns.run(fn) })),
].sort((a, b) => Number(b.name === first) - Number(a.name === first))
let url = ''

/** Not node:http: from Node 22 on, importing that loads undici. */
function serve(name: string, port: number): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`))
  })
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}

const byFetch = (fetch: typeof globalThis.fetch) => async () => (await fetch(url)).text()
const byPackage = (name: string) => () => {
  const { request } = require(name) as Undici
  return async () => (await request(url)).body.text()
}
const touching = (touch: () => unknown) => () => {
  touch()
  return byFetch(globalThis.fetch)
}

/** What loads the client, at the first place, and returns how to ask with it. */
const clients: Record<string, () => Ask> = {
  fetch: () => byFetch(globalThis.fetch),
  'captured fetch': () => byFetch(captured),
  Response: touching(() => new Response('')),
  Headers: touching(() => new Headers()),
  WebSocket: touching(() => globalThis.WebSocket),
  'Response in runSync': touching(() => inside.A.runSync(() => new Response(''))),
  undici: byPackage('undici'),
  'undici-7': byPackage('undici-7'),
  'undici-8': byPackage('undici-8'),
  'undici, then fetch': () => {
    byPackage('undici')()
    return byFetch(globalThis.fetch)
  },
  'fetch, then undici': () => {
    void globalThis.Response
    return byPackage('undici')()
  },
  'a dispatcher set in the same breath': () => {
    const { Agent, setGlobalDispatcher } = require('undici') as Undici
    setGlobalDispatcher(new Agent())
    return byPackage('undici')()
  },
  http2: () => {
    const { connect } = require('node:http2') as typeof http2
    const session = connect(url).on('error', () => {})
    const owner = first
    return async () => {
      session
        .request()
        .on('error', () => {})
        .close()
      return owner ?? ''
    }
  },
}

const servers = [await serve('home', 0)]
const port = (servers[0]?.address() as net.AddressInfo | undefined)?.port ?? 0
url = `http://127.0.0.1:${port}/`
for (const [name, namespace] of Object.entries(inside)) {
  namespace.runSync(() => execFileSync('ip', ['link', 'set', 'lo', 'up']))
  servers.push(await namespace.run(() => serve(name, port)))
}

const { moduleLoadList } = process as unknown as { moduleLoadList: string[] }
const loaded = moduleLoadList.filter((each) => /undici\/undici|internal\/http2\/core/.test(each))
const answers: [asked: string, answered: string][] = []
const tell = async (place: (typeof places)[number], ask: Ask) => {
  const answer = place.run(ask).catch((error: NodeJS.ErrnoException) => error.code ?? `${error}`)
  answers.push([place.name, await answer])
}

let ask: Ask = async () => ''
places[0]?.run(() => {
  ask = (clients[client] as () => Ask)()
})
await Promise.all(places.map((place) => tell(place, ask)))
for (const place of [...places, ...places, ...places.reverse()]) await tell(place, ask)
process.stdout.write(JSON.stringify({ loaded, answers }))
process.exit()
