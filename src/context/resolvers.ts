// dns.resolve*, dns.reverse and dns.Resolver inside run(): c-ares makes its sockets from timers of its own, which no
// context reaches. Its channels' queries are answered by the names module instead.
import dns from 'node:dns'
import type { Bindings, NativePrototype } from './bindings.js'
import { Cancellation } from './names/cancellation.js'
import { asDnsError } from './names/errors.js'
import type { DnsServer, NameSource, QueryOptions, ResolveOptions } from './names/index.js'
import { askNames, type Names } from './names-module.js'
import { currentStore } from './storage.js'

type Channel = { getServers(): [address: string, port: number][] }
type QueryRequest = {
  ttl?: boolean
  oncomplete(error: string | null, result?: unknown, ttls?: number[]): void
  /** One of the two, by the API it was made for. */
  callback?(error: Error): void
  reject?(error: Error): void
}
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
  followServers(prototype)
  followLocalAddress(prototype)
  for (const { Resolver } of [dns, dns.promises]) followPatience(Resolver)
}

type Ask = (names: Names, source: NameSource, name: string, options: ResolveOptions) => Promise<unknown>

function answer(prototype: NativePrototype, method: string, ask: Ask): void {
  const original = prototype[method]
  if (original === undefined) return // TLSA came with Node 22
  prototype[method] = function query(this: unknown, ...args: unknown[]): unknown {
    const { net } = currentStore()
    if (net === undefined) return Reflect.apply(original, this, args)
    const [request, name] = args as [QueryRequest, string]
    const options = optionsOf(this as Channel)
    askNames(net, (names, source) => ask(names, source, name, request.ttl ? { ...options, ttl: true } : options)).then(
      (result) => process.nextTick(deliver, request, result),
      (error: NodeJS.ErrnoException) => process.nextTick(fail, request, asDnsError(error, method, name)),
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

/** Node would make an error of the code alone: what else there is to say would be lost. */
function fail(request: QueryRequest, error: NodeJS.ErrnoException): void {
  const settle = request.callback ?? request.reject
  if (typeof settle === 'function') settle.call(request, error)
  else request.oncomplete(error.code ?? 'ESERVFAIL')
}

/** What queries of a channel are asked with: the same object until somebody changes the channel. */
function optionsOf(channel: Channel): QueryOptions {
  const known = settled.get(channel)
  if (known !== undefined) return known
  const [localAddress4, localAddress6] = localAddresses.get(channel) ?? []
  const cancellation = new Cancellation()
  const { timeout, tries } = patience.get(channel) ?? {}
  const options = { cancellation, servers: ownServers(channel), timeout, tries, localAddress4, localAddress6 }
  settled.set(channel, options)
  return options
}
const settled = new WeakMap<Channel, QueryOptions & { cancellation: Cancellation }>()
const localAddresses = new WeakMap<Channel, readonly (string | undefined)[]>()
const patience = new WeakMap<Channel, Pick<QueryOptions, 'timeout' | 'tries'>>()

/** Servers that somebody set on purpose; those a channel has by itself are home's. */
function ownServers(channel: Channel): DnsServer[] | undefined {
  const servers = channel.getServers()
  const byItself = (new dns.Resolver() as unknown as { _handle: Channel })._handle.getServers()
  if (JSON.stringify(servers) === JSON.stringify(byItself)) return undefined
  return servers.map(([address, port]) => ({ address, port }))
}

function followCancel(prototype: NativePrototype): void {
  follow(prototype, 'cancel', (channel) => settled.get(channel)?.cancellation.cancel())
}

function followServers(prototype: NativePrototype): void {
  follow(prototype, 'setServers', () => {})
}

/** Has the channel's options made anew after a native call that changes what they say. */
function follow(prototype: NativePrototype, method: string, also: (channel: Channel, args: unknown[]) => void): void {
  const original = prototype[method]
  if (original === undefined) return
  prototype[method] = function followed(this: unknown, ...args: unknown[]): unknown {
    const result = Reflect.apply(original, this, args)
    also(this as Channel, args)
    settled.delete(this as Channel)
    return result
  }
}

function followLocalAddress(prototype: NativePrototype): void {
  follow(prototype, 'setLocalAddress', (channel, args) => {
    const addresses = args.filter((each): each is string => typeof each === 'string')
    const v4 = addresses.find((each) => !each.includes(':'))
    const v6 = addresses.find((each) => each.includes(':'))
    localAddresses.set(channel, [v4, v6])
  })
}

/** new dns.Resolver({ timeout, tries }): seen where its constructor calls super(), as channels do not tell. */
function followPatience(Resolver: new (options?: dns.ResolverOptions) => unknown): void {
  const base = Object.getPrototypeOf(Resolver) as new (options?: dns.ResolverOptions) => { _handle: Channel }
  function Patient(this: unknown, options?: dns.ResolverOptions): object {
    const made = Reflect.construct(base, [options], new.target ?? base)
    const { timeout, tries } = options ?? {}
    // Node's own default is written as -1 as well.
    patience.set(made._handle, { timeout: timeout === -1 ? undefined : timeout, tries })
    return made
  }
  Object.setPrototypeOf(Patient, base)
  Patient.prototype = base.prototype
  Object.setPrototypeOf(Resolver, Patient)
}
