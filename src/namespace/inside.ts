// How Namespace reaches the context, which is a floor above: the context fills this in when it is loaded.
import type http from 'node:http'
import type https from 'node:https'
import type net from 'node:net'
import type { Namespace } from './namespace.js'

/** What undici tells a connector. */
export type ConnectorOptions = {
  hostname: string
  host?: string | undefined
  protocol: string
  port: string
  servername?: string | undefined
  localAddress?: string | null | undefined
  httpSocket?: net.Socket | undefined
}

/** undici's `connect` option, as a function. */
export type Connector = (
  options: ConnectorOptions,
  callback: (...args: [error: null, socket: net.Socket] | [error: Error, socket: null]) => void,
) => void

/** Options of http.Agent or, with protocol 'https:', of https.Agent. */
export type AgentOptions = https.AgentOptions & { protocol?: 'http:' | 'https:' }

/** The shape of dns.lookup with its options: what `lookup` of net.connect and http.request takes. */
export type Lookup = net.LookupFunction

export type Inside = {
  runSync<T>(namespace: Namespace, fn: () => T): T
  run<T>(namespace: Namespace, fn: () => T): T
  bind<T extends object>(namespace: Namespace, x: T): T
  connector(namespace: Namespace): Connector
  agent(namespace: Namespace, options?: AgentOptions): http.Agent
  lookup(namespace: Namespace): Lookup
  /** The net namespace whose call tree this is; undefined at home. */
  currentNet(): Namespace | undefined
  /** Loads what the context has put off, while this thread still sees the files. */
  loadAll(): void
}

let supplied: Inside | undefined

export function supplyInside(inside: Inside): void {
  supplied = inside
}

/** To be called before a thread goes to another mount namespace. */
export function beforeFilesChange(): void {
  supplied?.loadAll()
}

export function inside(): Inside {
  if (supplied === undefined) throw new Error('nsfd: the context is not loaded; import nsfd itself, not a file of it')
  return supplied
}

/** The net namespace of the calling call tree; undefined at home, or where nothing has loaded the context. */
export function contextNet(): Namespace | undefined {
  return supplied?.currentNet()
}
