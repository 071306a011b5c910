// dns.resolve*, dns.reverse and dns.Resolver inside run(): c-ares makes its sockets from timers of its own, which no
// context reaches. Its channels' queries are answered by the names module instead.
import dns from 'node:dns'
import type { Bindings, NativePrototype } from './bindings.js'
import type { DnsServer, NameSource, QueryOptions } from './names/index.js'
import { askNames } from './names-module.js'
import { currentStore } from './storage.js'

type Channel = { getServers(): [address: string, port: number][] }
type QueryRequest = { ttl?: boolean; oncomplete(error: string | null, result?: unknown, ttls?: number[]): void }
type WithTtl = { address: string; ttl: number }

/** What can be asked, by the native method's name; Node's own resolve* call them. */
const RECORD_TYPES: Record<string, string> = {
  queryAny: 'ANY',
  queryA: 'A',
  queryAaaa: 'AAAA',
  queryCaa: 'CAA',
  queryCname: 'CNAME',
  queryMx: 'MX',
  queryNs: 'NS',
  queryTxt: 'TXT',
  queryTlsa: 'TLSA',
  querySrv: 'SRV',
  queryPtr: 'PTR',
  queryNaptr: 'NAPTR',
  querySoa: 'SOA',
}

export function answerResolvers({ ChannelWrap }: Bindings): void {
  const { prototype } = ChannelWrap
  for (const [method, type] of Object.entries(RECORD_TYPES)) {
    answer(prototype, method, ({ resolve }, source, name, options) => resolve(source, name, type, options))
  }
  answer(prototype, 'getHostByAddr', ({ reverse }, source, address, options) => reverse(source, address, options))
  followCancel(prototype)
  followLocalAddress(prototype)
}

type Ask = (
  names: typeof import('./names/index.js'),
  source: NameSource,
  name: string,
  options: QueryOptions & { ttl?: boolean },
) => Promise<unknown>

function answer(prototype: NativePrototype, method: string, ask: Ask): void {
  const original = prototype[method]
  if (original === undefined) return // TLSA came with Node 22
  prototype[method] = function query(this: unknown, ...args: unknown[]): unknown {
    const { net } = currentStore()
    if (net === undefined) return Reflect.apply(original, this, args)
    const [request, name] = args as [QueryRequest, string]
    const options = { ...optionsOf(this as Channel), ttl: request.ttl === true }
    askNames(net, (names, source) => ask(names, source, name, options)).then(
      (result) => process.nextTick(() => deliver(request, result)),
      (error: NodeJS.ErrnoException) => process.nextTick(() => request.oncomplete(error.code ?? 'ESERVFAIL')),
    )
    return 0
  }
}

/** Node puts addresses and ttls together itself, where ttls were asked for. */
function deliver(request: QueryRequest, result: unknown): void {
  const records = request.ttl === true ? (result as WithTtl[]) : undefined
  const ttls = records?.map(({ ttl }) => ttl)
  request.oncomplete(null, records?.map(({ address }) => address) ?? result, ttls)
}

const cancelled = new WeakMap<Channel, AbortController>()
const localAddresses = new WeakMap<Channel, readonly (string | undefined)[]>()

function optionsOf(channel: Channel): QueryOptions {
  const controller = cancelled.get(channel) ?? new AbortController()
  cancelled.set(channel, controller)
  const [localAddress4, localAddress6] = localAddresses.get(channel) ?? []
  return { signal: controller.signal, servers: ownServers(channel), localAddress4, localAddress6 }
}

/** Servers that somebody set on purpose; those a channel has by itself are home's. */
function ownServers(channel: Channel): DnsServer[] | undefined {
  const servers = channel.getServers()
  const byItself = (new dns.Resolver() as unknown as { _handle: Channel })._handle.getServers()
  if (JSON.stringify(servers) === JSON.stringify(byItself)) return undefined
  return servers.map(([address, port]) => ({ address, port }))
}

function followCancel(prototype: NativePrototype): void {
  const original = prototype.cancel
  if (original === undefined) return
  prototype.cancel = function cancel(this: unknown, ...args: unknown[]): unknown {
    cancelled.get(this as Channel)?.abort()
    cancelled.delete(this as Channel)
    return Reflect.apply(original, this, args)
  }
}

function followLocalAddress(prototype: NativePrototype): void {
  const original = prototype.setLocalAddress
  if (original === undefined) return
  prototype.setLocalAddress = function setLocalAddress(this: unknown, ...args: unknown[]): unknown {
    const result = Reflect.apply(original, this, args)
    const addresses = args.filter((each): each is string => typeof each === 'string')
    const v4 = addresses.find((each) => !each.includes(':'))
    const v6 = addresses.find((each) => each.includes(':'))
    localAddresses.set(this as Channel, [v4, v6])
    return result
  }
}
