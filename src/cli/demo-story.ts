// The main job, done for real: many network namespaces at once in one Node process. Each step returns what the kernel said.
import { execFileSync } from 'node:child_process'
import { closeSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AF_INET, SOCK_STREAM } from '../kernel/constants.js'
import { hasCode } from '../kernel/errors.js'
import { libc } from '../kernel/libc.js'
import { Namespace } from '../namespace/namespace.js'
import { socketat } from '../namespace/socketat.js'
import { Route } from '../rtnetlink/route.js'
import { wire } from '../rtnetlink/wire.js'
import { loopbackUp } from './loopback.js'

export const NAMES = ['red', 'green', 'blue'] as const
/** Where each server is reached from within its own namespace; they listen on every address. */
export const ADDRESS = '127.0.0.1'

export type Room = { name: string; namespace: Namespace; server: Server }
/** What one namespace heard from another across the wire. */
export type Heard = { from: string; to: string; address: string; answer: string; agrees: boolean }
export type Answer = { name: string; namespace: string; answer: string; socketIn: string; agrees: boolean }
export type Timing = { socketUs: number; socketatUs: number; ratio: number }

/** One namespace a name, its loopback up, and an HTTP server in each: all on the same address and port. */
export async function openRooms(rooms: Room[]): Promise<number> {
  let port = 0
  for (const name of NAMES) {
    const namespace = Namespace.create('net')
    loopbackUp(namespace)
    const server = createServer((_request, response) => response.end(`hello from ${name}`))
    rooms.push({ name, namespace, server })
    await namespace.run(() => listen(server, port))
    port = (server.address() as AddressInfo).port
  }
  return port
}

/** A switch in a namespace of its own: a bridge, and a veth pair to each room, born in place. Lives until it is closed. */
export async function joinRooms(rooms: Room[]): Promise<{ network: Namespace; tookMs: number }> {
  const started = performance.now()
  const network = Namespace.create('net')
  try {
    await using route = Route.open(network)
    await route.link.add({ name: 'switch', kind: 'bridge', up: true })
    for (const { name, namespace } of rooms) {
      const { ends } = await wire(route, namespace, {
        names: [`to-${name}`, 'eth0'],
        addresses: [undefined, `${addressOf(rooms, name)}/24`],
      })
      await route.link.set(ends[0].index, { master: 'switch' })
    }
    return { network, tookMs: performance.now() - started }
  } catch (error) {
    network.close()
    throw error
  }
}

/** Every room fetches from every other room, over the wire, all at once. */
export function fetchAcross(rooms: Room[], port: number): Promise<Heard[]> {
  const pairs = rooms.flatMap((from) => rooms.filter((to) => to !== from).map((to) => ({ from, to })))
  return Promise.all(
    pairs.map(async ({ from, to }) => {
      const address = addressOf(rooms, to.name)
      const answer = await from.namespace.run(async () => (await fetch(`http://${address}:${port}/`)).text())
      return { from: from.name, to: to.name, address, answer, agrees: answer === `hello from ${to.name}` }
    }),
  )
}

/** fetch() from inside each, all at the same time, and where the kernel says each server's socket is. */
export function fetchFromEach(rooms: Room[], port: number): Promise<Answer[]> {
  return Promise.all(
    rooms.map(async ({ name, namespace, server }) => {
      const answer = await namespace.run(async () => (await fetch(`http://${ADDRESS}:${port}/`)).text())
      using socketIn = Namespace.ofSocket(descriptorOf(server))
      const agrees = socketIn.equals(namespace) && answer === `hello from ${name}`
      return { name, namespace: namespace.toString(), answer, socketIn: socketIn.toString(), agrees }
    }),
  )
}

/** The same fetch from home, where nobody listens. Returns how it failed; an answer would be a fault of nsfd. */
export async function fetchFromHome(port: number): Promise<string> {
  try {
    const response = await fetch(`http://${ADDRESS}:${port}/`)
    throw new Error(`home reached a server that is not there: ${await response.text()}`)
  } catch (error) {
    const cause = (error as Error).cause
    if (hasCode(cause, 'ECONNREFUSED')) return cause.code as string
    throw error
  }
}

/** A socket at home against a socket in another namespace, alternating; medians in microseconds. */
export function timeSocketat(namespace: Namespace): Timing {
  const plain = () => closeSync(libc().socket(AF_INET, SOCK_STREAM, 0))
  const elsewhere = () => closeSync(socketat(namespace, AF_INET, SOCK_STREAM))
  const rounds = Array.from({ length: 21 }, () => [microseconds(plain), microseconds(elsewhere)] as const)
  const socketUs = median(rounds.map(([each]) => each))
  const socketatUs = median(rounds.map(([, each]) => each))
  return { socketUs, socketatUs, ratio: socketatUs / socketUs }
}

/** What `ip netns list` says of a name; undefined where iproute2 is not installed. */
export function askIpNetns(name: string): string | undefined {
  try {
    const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    return names.split('\n').find((line) => line.split(' ')[0] === name) ?? 'not listed'
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

export async function closeRooms(rooms: Room[]): Promise<void> {
  for (const { server, namespace } of rooms.splice(0).reverse()) {
    server.closeAllConnections()
    if (server.listening) await new Promise((done) => server.close(done))
    namespace.close()
  }
}

function addressOf(rooms: Room[], name: string): string {
  return `10.77.0.${1 + rooms.findIndex((room) => room.name === name)}`
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((listening, failed) => {
    server.once('error', failed).listen(port, '0.0.0.0', () => listening())
  })
}

function descriptorOf(server: Server): number {
  return (server as unknown as { _handle: { fd: number } })._handle.fd
}

function microseconds(work: () => void): number {
  const times = 500
  const start = process.hrtime.bigint()
  for (let n = 0; n < times; n++) work()
  return Number(process.hrtime.bigint() - start) / times / 1000
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number
}
