// dns inside run(): Node's own lookups go to pool threads and to c-ares, which are at home. None of them may be reached.
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { NsfdError } from '../kernel/errors.js'
import type { Bindings, NativePrototype } from './bindings.js'
import { resolveHost } from './hosts.js'
import { currentStore } from './storage.js'

/** libuv's number for EAI_NONAME; Node calls it ENOTFOUND. */
const UV_EAI_NONAME = -3008

type LookupRequest = {
  oncomplete(error: number | null, addresses?: string[]): void
  callback?: (error: Error) => void
}

export function answerNamesInside(bindings: Bindings): void {
  answerGetaddrinfo(bindings)
  answerPromisedLookup()
  refuseReverseLookups(bindings)
  refuseResolvers(bindings.ChannelWrap.prototype)
  guardCapturedLookups(bindings)
}

/** dns.lookup, however it was imported, ends here; net, http, dgram and fetch use it. */
function answerGetaddrinfo({ cares }: Bindings): void {
  const original = cares.getaddrinfo
  cares.getaddrinfo = function getaddrinfo(this: unknown, ...args: unknown[]): unknown {
    const { net } = currentStore()
    if (net === undefined) return Reflect.apply(original, this, args)
    const [request, hostname, family] = args as [LookupRequest, string, number]
    const addresses = resolveHost(net, hostname, family)
    process.nextTick(() => {
      if (addresses.length > 0) request.oncomplete(null, addresses)
      else if (request.callback !== undefined) request.callback(notYet(hostname))
      else request.oncomplete(UV_EAI_NONAME)
    })
    return 0
  }
}

/** dns/promises holds the native function itself; inside, its lookup goes the way of dns.lookup. */
function answerPromisedLookup(): void {
  const original = dns.promises.lookup as (...args: unknown[]) => Promise<unknown>
  const lookup = (hostname: string, options?: number | dns.LookupOptions): Promise<unknown> => {
    if (currentStore().net === undefined) return original(hostname, options)
    const given = typeof options === 'number' ? { family: options } : (options ?? {})
    return new Promise((resolve, reject) => {
      dns.lookup(hostname, given, (error, address, family) => {
        if (error) reject(error)
        else resolve(given.all ? address : { address, family })
      })
    })
  }
  dns.promises.lookup = lookup as typeof dns.promises.lookup
  syncBuiltinESMExports()
}

function refuseReverseLookups({ cares }: Bindings): void {
  const original = cares.getnameinfo
  cares.getnameinfo = function getnameinfo(this: unknown, ...args: unknown[]): unknown {
    if (currentStore().net === undefined) return Reflect.apply(original, this, args)
    throw notYet(String(args[1]))
  }
}

/** c-ares makes its sockets from timers of its own, which no context reaches. */
function refuseResolvers(prototype: NativePrototype): void {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const original = prototype[name]
    if (!/^(query|getHostByAddr)/.test(name) || typeof original !== 'function') continue
    prototype[name] = function query(this: unknown, ...args: unknown[]): unknown {
      if (currentStore().net === undefined) return Reflect.apply(original, this, args)
      throw notYet(String(args[1]))
    }
  }
}

/**
 * Code that kept dns.promises.lookup or lookupService before the first run() still holds the native functions. Every
 * lookup first writes its hostname on a request object, and there it can be stopped.
 */
function guardCapturedLookups({ GetAddrInfoReqWrap, GetNameInfoReqWrap }: Bindings): void {
  for (const { prototype } of [GetAddrInfoReqWrap, GetNameInfoReqWrap]) {
    Object.defineProperty(prototype, 'hostname', {
      configurable: true,
      set(this: LookupRequest, hostname: string) {
        const goesThroughUs = this.callback !== undefined
        if (currentStore().net !== undefined && !goesThroughUs) throw notYet(hostname)
        Object.defineProperty(this, 'hostname', {
          value: hostname,
          writable: true,
          enumerable: true,
          configurable: true,
        })
      },
    })
  }
}

function notYet(hostname: string): NsfdError {
  return new NsfdError(
    `ENOTFOUND: '${hostname}' cannot be looked up inside run(): it is no address, not localhost and not in the namespace's hosts file`,
    { code: 'ENOTFOUND', errno: UV_EAI_NONAME, syscall: 'getaddrinfo' },
  )
}
