// dns inside run(): Node's own lookups go to pool threads and to c-ares, which are at home. None of them may be reached;
// the names module answers instead, under the native calls, so that Node's options and errors stay Node's.
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { NsfdError } from '../kernel/errors.js'
import type { Bindings } from './bindings.js'
import { asDnsError } from './names/errors.js'
import { askNames } from './names-module.js'
import { currentStore } from './storage.js'

type Request<Results extends unknown[]> = {
  oncomplete(error: number | null, ...results: Results | []): void
  callback?: (error: Error) => void
}

/** libuv's number for EAI_FAIL, for promises of errors that are not getaddrinfo's. */
const UV_EAI_FAIL = -3004
/** DNS_ORDER_… of Node's cares_wrap, by number. */
const ORDERS = ['verbatim', 'ipv4first', 'ipv6first'] as const

export function answerLookups(bindings: Bindings): void {
  answerGetaddrinfo(bindings)
  answerGetnameinfo(bindings)
  answerPromises()
  guardCapturedPromises(bindings)
}

/** dns.lookup, however it was imported, ends here; net, http, dgram and fetch use it. */
function answerGetaddrinfo({ cares }: Bindings): void {
  const original = cares.getaddrinfo
  cares.getaddrinfo = function getaddrinfo(this: unknown, ...args: unknown[]): unknown {
    const { net } = currentStore()
    if (net === undefined) return Reflect.apply(original, this, args)
    const [request, hostname, family, hints, order] = args as [Request<[string[]]>, string, 0 | 4 | 6, number, number]
    const options = { family, hints, order: ORDERS[order] }
    const answer = askNames(net, ({ lookup }, source) => lookup(source, hostname, options))
    complete(request, answer, ['getaddrinfo', hostname], (found) => [found.map(({ address }) => address)])
    return 0
  }
}

function answerGetnameinfo({ cares }: Bindings): void {
  const original = cares.getnameinfo
  cares.getnameinfo = function getnameinfo(this: unknown, ...args: unknown[]): unknown {
    const { net } = currentStore()
    if (net === undefined) return Reflect.apply(original, this, args)
    const [request, address, port] = args as [Request<[string, string]>, string, number]
    const answer = askNames(net, ({ lookupService }, source) => lookupService(source, address, port))
    complete(request, answer, ['getnameinfo', address], (found) => [found.hostname, found.service])
    return 0
  }
}

/** Hands an answer on outside of the promise: what a user's callback throws is an uncaught exception, as ever. */
function complete<T, R extends unknown[]>(
  request: Request<R>,
  answer: Promise<T>,
  asked: [syscall: string, hostname: string],
  results: (found: T) => R,
): void {
  answer.then(
    (found) => process.nextTick(() => request.oncomplete(null, ...results(found))),
    (error: NodeJS.ErrnoException) => process.nextTick(() => fail(request, asDnsError(error, ...asked))),
  )
}

function fail<R extends unknown[]>(request: Request<R>, error: NodeJS.ErrnoException): void {
  if (request.callback !== undefined) request.callback(error)
  else request.oncomplete(error.errno ?? UV_EAI_FAIL)
}

/** dns/promises holds the native functions themselves; inside, its calls go the way of dns.lookup and lookupService. */
function answerPromises(): void {
  const { lookup, lookupService } = dns.promises as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  const insteadOfLookup = (hostname: string, options?: number | dns.LookupOptions): Promise<unknown> => {
    if (currentStore().net === undefined) return (lookup as never as typeof insteadOfLookup)(hostname, options)
    const given = typeof options === 'number' ? { family: options } : (options ?? {})
    return new Promise((resolve, reject) => {
      dns.lookup(hostname, given, (error, address, family) => {
        if (error) reject(error)
        else resolve(given.all ? address : { address, family })
      })
    })
  }
  const insteadOfLookupService = (address: string, port: number): Promise<unknown> => {
    if (currentStore().net === undefined)
      return (lookupService as never as typeof insteadOfLookupService)(address, port)
    return new Promise((resolve, reject) => {
      dns.lookupService(address, port, (error, hostname, service) => {
        if (error) reject(error)
        else resolve({ hostname, service })
      })
    })
  }
  Object.assign(dns.promises, { lookup: insteadOfLookup, lookupService: insteadOfLookupService })
  syncBuiltinESMExports()
}

/**
 * Code that kept dns.promises.lookup or lookupService before the first run() still holds the native functions. Every
 * lookup first writes its hostname on a request object, and there it can be stopped.
 */
function guardCapturedPromises({ GetAddrInfoReqWrap, GetNameInfoReqWrap }: Bindings): void {
  for (const { prototype } of [GetAddrInfoReqWrap, GetNameInfoReqWrap]) {
    Object.defineProperty(prototype, 'hostname', {
      configurable: true,
      set(this: { callback?: unknown }, value: string) {
        const goesThroughUs = this.callback !== undefined
        if (currentStore().net !== undefined && !goesThroughUs) throw capturedTooEarly(value)
        Object.defineProperty(this, 'hostname', { value, writable: true, enumerable: true, configurable: true })
      },
    })
  }
}

function capturedTooEarly(hostname: string): NsfdError {
  return new NsfdError(
    `'${hostname}' is not looked up: this code took its lookup out of dns/promises before the first run(), and what it took would answer from home. Call it as dns.promises.lookup(), or use dns.lookup`,
    { code: 'ERR_NSFD_LOOKUP', kind: 'net' },
  )
}
