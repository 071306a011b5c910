// Sites: home and namespaces of the test's own, so that one experiment can be made from every pair of places.
import { execFileSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { Namespace } from '#dist/index.js'

export type Site = {
  readonly name: string
  /** Undefined at home. */
  readonly namespace: Namespace | undefined
  /** The kernel's name of its net namespace: net:[4026532177] */
  readonly place: string
  run<T>(fn: () => T): T
}

export const home: Site = {
  name: 'home',
  namespace: undefined,
  place: readlinkSync('/proc/self/ns/net'),
  run: (fn) => fn(),
}

/** Net namespaces with loopback up, called A, B, … Close them with closeSites. */
export function makeSites(count: number): Site[] {
  return Array.from({ length: count }, (_, i) => {
    const namespace = Namespace.create('net')
    namespace.runSync(() => ip('link', 'set', 'lo', 'up'))
    return {
      name: String.fromCharCode(65 + i),
      namespace,
      place: namespace.toString(),
      run: <T>(fn: () => T) => namespace.run(fn),
    }
  })
}

export function closeSites(sites: Site[]): void {
  for (const { namespace } of sites) namespace?.close()
}

export function spaceOf(site: Site | undefined): Namespace {
  if (site?.namespace === undefined) throw new Error('home is not a namespace of the test')
  return site.namespace
}

export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' })
}

/** Where the kernel says a socket lives (SIOCGSKNS), as net:[…]. */
export function placeOfSocket(holder: unknown): string {
  using place = Namespace.ofSocket(descriptorOf(holder))
  return place.toString()
}

/** The descriptor below a net.Socket, net.Server, tls.TLSSocket, dgram.Socket or a native handle. */
export function descriptorOf(holder: unknown): number {
  const { _handle, fd } = holder as { _handle?: { fd: number }; fd?: number }
  const found = fd ?? _handle?.fd ?? datagramHandle(holder)?.fd
  if (found === undefined || found < 0) throw new Error('it has no descriptor')
  return found
}

function datagramHandle(socket: unknown): { fd: number } | undefined {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  return state && (socket as Record<symbol, { handle: { fd: number } }>)[state]?.handle
}

/** Every pair of different sites, in both orders. */
export function pairsOf(sites: Site[]): [Site, Site][] {
  return sites.flatMap((from) => sites.filter((to) => to !== from).map((to): [Site, Site] => [from, to]))
}

/** Below the ports the system hands out, and a hundred for each test process: they run at the same time. */
let lastPort = 10_000 + (process.pid % 220) * 100
/** A port that is free at home; in a namespace of the test's own every port is. */
export function nextPort(): number {
  lastPort++
  return lastPort
}
