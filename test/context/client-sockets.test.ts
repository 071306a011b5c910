// Where the sockets of fetch and WebSocket are, which show nobody their sockets: the kernel is asked, by its table of
// connections of each place, by this process's descriptors, and by SIOCGSKNS.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { test } from 'node:test'
import { hooksFor, needs } from '../support/needs.js'
import { descriptors } from '../support/state.js'
import { listen, type Service } from './support/protocols.js'
import { closeSites, home, makeSites, nextPort, placeOfSocket, type Site } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'
import { acceptWebSocket } from './support/websocket.js'

everyTestLeavesThreadsAtHome()
const { after, before } = hooksFor('admin')
let sites: Site[] = []
before(() => {
  sites = [home, ...makeSites(3)]
})
after(() => closeSites(sites))

/** Opens a connection, and keeps it until what it returns is called. */
const CLIENTS: Record<string, ((port: number) => Promise<() => unknown>) | undefined> = {
  async fetch(port) {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    return () => response.body?.cancel()
  },
  WebSocket:
    typeof WebSocket === 'undefined'
      ? undefined
      : async (port) => {
          const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
          await once(socket, 'open')
          return () => socket.close()
        },
}

for (const [name, open] of Object.entries(CLIENTS)) {
  const possible = open === undefined ? { skip: `this Node has no ${name}` } : needs('admin')
  test(`${name}: the kernel has each client socket in the place that asked, and nowhere else`, possible, async () => {
    const port = nextPort()
    const services: Service[] = []
    const closers: (() => unknown)[] = []
    try {
      for (const site of sites) services.push(await site.run(() => serve(port)))
      const askers = Array.from({ length: 5 }, () => sites).flat()
      closers.push(
        ...(await Promise.all(askers.map((site) => site.run(() => (open as NonNullable<typeof open>)(port))))),
      )
      const held = new Map(descriptors().flatMap(socketOf))
      for (const site of sites) {
        const inodes = connectionsTo(port, site)
        assert.equal(inodes.length, 5, `${inodes.length} connections of 5 in ${site.name}`)
        for (const inode of inodes) {
          const fd = held.get(inode)
          assert.ok(fd !== undefined, `socket ${inode} in ${site.name} is not one of this process`)
          assert.equal(placeOfSocket({ fd }), site.place)
          held.delete(inode)
        }
      }
    } finally {
      for (const close of closers) await close()
      for (const service of services) service.close()
    }
  })
}

function serve(port: number): Promise<Service> {
  const server = http.createServer((_, response) => response.writeHead(200).write('the beginning of an answer'))
  server.on('upgrade', acceptWebSocket('hello'))
  return listen(server, { port, host: '127.0.0.1' })
}

function socketOf(line: string): [inode: string, fd: number][] {
  const [, fd, inode] = /^(\d+) -> socket:\[(\d+)\]$/.exec(line) ?? []
  return inode === undefined ? [] : [[inode, Number(fd)]]
}

/** The inodes of connections to a port, in the kernel's table of that place: proc_net_tcp(5), remote address and inode. */
function connectionsTo(port: number, { namespace }: Site): string[] {
  const read = () => readFileSync('/proc/thread-self/net/tcp', 'utf8')
  const table = namespace === undefined ? read() : namespace.runSync(read)
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const ESTABLISHED = '01'
  return table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    return fields[2] === remote && fields[3] === ESTABLISHED ? [fields[9] as string] : []
  })
}
