// For libraries that lose the context: a connector, an agent and a lookup that are in a namespace whoever calls them.
import { AsyncResource } from 'node:async_hooks'
import dns from 'node:dns'
import type { Agent } from 'node:http'
import net from 'node:net'
import { invalidArgument } from '../kernel/errors.js'
import { require } from '../kernel/require.js'
import type { AgentOptions, Connector, ConnectorOptions, Lookup } from '../namespace/inside.js'
import type { Namespace } from '../namespace/namespace.js'
import { http } from './builtins.js'
import { makeExplicit } from './dispatchers.js'
import { EXPLICIT, storage } from './storage.js'

const CONNECT_TIMEOUT_MS = 10_000

export function connectorOf(namespace: Namespace): Connector {
  return makeExplicit((options: ConnectorOptions, callback: Parameters<Connector>[1]) => {
    const socket = explicitly(namespace, () => open(options))
    const settled = AsyncResource.bind(callback)
    const late = () => socket.destroy(new Error(`Connecting to ${options.hostname} took over ${CONNECT_TIMEOUT_MS} ms`))
    const timer = setTimeout(late, CONNECT_TIMEOUT_MS)
    const failed = (error: Error) => {
      clearTimeout(timer)
      settled(error, null)
    }
    socket.setNoDelay(true).once('error', failed)
    socket.once(options.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.off('error', failed)
      settled(null, socket)
    })
  })
}

function open({ protocol, hostname, host, port, servername, localAddress, httpSocket }: ConnectorOptions): net.Socket {
  const local = localAddress ? { localAddress } : {}
  if (protocol !== 'https:') return net.connect({ host: hostname, port: Number(port || 80), ...local })
  const tls = require('node:tls') as typeof import('node:tls')
  const name = servername || host?.replace(/:\d+$/, '') || hostname
  return tls.connect({
    host: hostname,
    port: Number(port || 443),
    servername: net.isIP(name) ? '' : name,
    ALPNProtocols: ['http/1.1'],
    ...(httpSocket && { socket: httpSocket }),
    ...local,
  })
}

const AGENT_MODULES = new Map([
  ['http:', 'node:http'],
  ['https:', 'node:https'],
])
type AddRequest = (...args: unknown[]) => void

export function agentOf(namespace: Namespace, { protocol = 'http:', ...options }: AgentOptions = {}): Agent {
  const module = AGENT_MODULES.get(protocol)
  if (module === undefined) throw invalidArgument('protocol', "must be 'http:' or 'https:'", protocol)
  const { Agent } = require(module) as typeof import('node:http')
  const agent = new Agent({ keepAlive: true, ...options })
  const { addRequest } = http.Agent.prototype as unknown as { addRequest: AddRequest }
  const inside: AddRequest = (...args) => explicitly(namespace, () => addRequest.apply(agent, args))
  return Object.assign(agent, { addRequest: inside })
}

export function lookupOf(namespace: Namespace): Lookup {
  return ((hostname: string, ...rest: unknown[]) => {
    const callback = rest.pop()
    if (typeof callback !== 'function') throw invalidArgument('callback', 'must be a function', callback)
    const answered = AsyncResource.bind(callback as (...args: unknown[]) => void)
    const lookup = dns.lookup as (...args: unknown[]) => void
    explicitly(namespace, () => lookup(hostname, ...rest, answered))
  }) as Lookup
}

function explicitly<T>(namespace: Namespace, fn: () => T): T {
  return storage.run({ net: namespace, [EXPLICIT]: true }, fn)
}
