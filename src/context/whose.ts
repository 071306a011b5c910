// Whose a socket is: noted when it connects, asked of the kernel when it was made before nsfd looked.
import net from 'node:net'
import { idOf, kernelIdOf } from '../namespace/identity.js'
import { Namespace } from '../namespace/namespace.js'
import { homeOf, whereabouts } from '../namespace/thread.js'
import { EXPLICIT, keyOf, poolKey, type Store } from './storage.js'

/** Undefined: it may be used from everywhere. */
const keys = new WeakMap<net.Socket, string | undefined>()

export function noteSocket(socket: net.Socket, store: Store): void {
  keys.set(socket, store[EXPLICIT] ? undefined : poolKey(store))
}

/** The pool key of the namespace a socket is in; undefined if that cannot be told, or does not matter. */
export function keyOfSocket(socket: net.Socket): string | undefined {
  if (!keys.has(socket)) keys.set(socket, askKernel(socket))
  return keys.get(socket)
}

function askKernel(socket: net.Socket): string | undefined {
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd
  if (!(socket instanceof net.Socket) || fd === undefined || fd < 0) return undefined
  using place = Namespace.ofSocket(fd)
  const home = homeOf('net') ?? whereabouts('net')
  const key = keyOf(place)
  return key === keyOf({ id: idOf(home), kernelId: kernelIdOf(home) }) ? '' : key
}
