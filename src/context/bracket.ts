// Bracketing: setns(target), one native call, setns(back). The call either happens inside or does not happen.
import type { VisitableKind } from '../namespace/kinds.js'
import { goBack, goTo, whereabouts } from '../namespace/thread.js'
import type { NativePrototype } from './bindings.js'
import { type Store, storage } from './storage.js'

/** What libuv's calls return for a descriptor that is closed; here: the namespace is. */
const UV_EBADF = -9
const ALL_KINDS: VisitableKind[] = ['net', 'uts', 'ipc', 'cgroup', 'pid']

type Handle = { readonly fd: number }

/**
 * Wraps a method of a socket handle that makes the socket if there is none yet: that one call is made inside. A handle
 * that has its socket needs no visit, unless an address names an interface (fe80::1%eth0), which is looked up here.
 */
export function bracketSocketCall(prototype: NativePrototype, name: string): void {
  const original = prototype[name]
  if (original === undefined) return
  prototype[name] = function bracketed(this: unknown, ...args: unknown[]): unknown {
    const namespace = storage.getStore()?.net
    if (namespace === undefined) return Reflect.apply(original, this, args)
    if ((this as Handle).fd >= 0 && !args.some(namesAnInterface)) return Reflect.apply(original, this, args)
    if (namespace.closed) return UV_EBADF
    const from = whereabouts('net')
    if (from === namespace.fd) return Reflect.apply(original, this, args)
    const refused = goTo('net', namespace.fd)
    if (refused !== 0) return -refused
    try {
      return Reflect.apply(original, this, args)
    } finally {
      goBack('net', from)
    }
  }
}

/** Makes a call that starts a process inside every namespace of the store; 0 or the libuv error in `refused`. */
export function inEachNamespace<T>(store: Store, call: () => T, onRefusal: (uvError: number) => T): T {
  return enter(ALL_KINDS, store, call, onRefusal)
}

function enter<T>(kinds: VisitableKind[], store: Store, call: () => T, onRefusal: (uvError: number) => T): T {
  const [kind, ...rest] = kinds
  if (kind === undefined) return call()
  const namespace = store[kind]
  if (namespace === undefined) return enter(rest, store, call, onRefusal)
  if (namespace.closed) return onRefusal(UV_EBADF)
  const from = whereabouts(kind)
  if (from === namespace.fd) return enter(rest, store, call, onRefusal)
  const refused = goTo(kind, namespace.fd)
  if (refused !== 0) return onRefusal(-refused)
  try {
    return enter(rest, store, call, onRefusal)
  } finally {
    goBack(kind, from)
  }
}

function namesAnInterface(argument: unknown): boolean {
  return typeof argument === 'string' && argument.includes('%')
}
