// Stamps: connection options that carry the store they belong to, so that a pool reconnecting from some other call tree
// (another namespace's timer, a queue, a 'close' event) still connects where the pool is.
import net from 'node:net'
import { NsfdError } from '../kernel/errors.js'
import { currentStore, runIn, type Store } from './storage.js'
import { noteSocket } from './whose.js'

export const STAMP: unique symbol = Symbol('nsfd.store')

export function stampOf(options: unknown): Store | undefined {
  if (typeof options !== 'object' || options === null) return undefined
  return (options as { [STAMP]?: Store })[STAMP]
}

/** Options with a stamp; an earlier stamp stays. */
export function stamped<T extends object>(options: T, store: Store): T & { [STAMP]?: Store } {
  return stampOf(options) === undefined ? { ...options, [STAMP]: store } : options
}

export function honourStamps(): void {
  const original = net.Socket.prototype.connect as (...args: unknown[]) => net.Socket
  net.Socket.prototype.connect = function connect(this: net.Socket, ...args: unknown[]): net.Socket {
    const [first] = args
    const stamp = stampOf(Array.isArray(first) ? first[0] : first)
    const store = stamp ?? currentStore()
    if (store.net?.closed) return failLater(this, closedInUse(store.net.toString()))
    noteSocket(this, store)
    if (stamp === undefined) return Reflect.apply(original, this, args)
    return runIn(stamp, () => Reflect.apply(original, this, args))
  } as typeof net.Socket.prototype.connect
}

/** As Node's own connect fails: when whoever called it has had the time to listen for 'error'. */
function failLater(socket: net.Socket, error: NsfdError): net.Socket {
  Object.assign(socket, { connecting: true })
  setImmediate(() => socket.destroy(error))
  return socket
}

export function closedInUse(namespace: string): NsfdError {
  return new NsfdError(
    `EBADF: ${namespace} was closed while this call tree still runs in it: close a Namespace after its work has ended`,
    { code: 'EBADF', errno: -9, syscall: 'connect', kind: 'net' },
  )
}
