// Bracketing: setns(target), one native call, setns(back). The call either happens inside or does not happen.
import type { VisitableKind } from '../namespace/kinds.js'
import type { Namespace } from '../namespace/namespace.js'
import { goBack, goTo, homeOf, whereabouts } from '../namespace/thread.js'
import { type NativePrototype, replaceMethod } from './bindings.js'
import { isNamed } from './explicit.js'
import { type Store, storage } from './storage.js'

/** What libuv's calls return for a descriptor that is closed; here: the namespace is. */
const UV_EBADF = -9
const ALL_KINDS: VisitableKind[] = ['net', 'uts', 'ipc', 'cgroup', 'pid']

type Handle = { readonly fd: number }
/** What to return instead, told the libuv error. */
type OnRefusal<T> = (uvError: number) => T

/** Every datagram comes by here: only where an address can name an interface are addresses looked at. */
const TAKES_INTERFACE = new Set([
  'bind6',
  'connect6',
  'send6',
  'addMembership',
  'dropMembership',
  'addSourceSpecificMembership',
  'dropSourceSpecificMembership',
  'setMulticastInterface',
])

/**
 * Wraps a method of a socket handle that makes the socket if there is none yet: that one call is made inside. A handle
 * that has its socket needs no visit, unless an address names an interface (fe80::1%eth0), which is looked up here.
 */
export function bracketSocketCall(prototype: NativePrototype, name: string): void {
  const original = prototype[name]
  if (original === undefined) return
  const takesInterface = TAKES_INTERFACE.has(name)
  replaceMethod(prototype, name, function bracketed(this: unknown, ...args: unknown[]): unknown {
    const namespace = storage.getStore()?.net
    if (namespace === undefined && homeOf('net') === undefined) return Reflect.apply(original, this, args)
    if ((this as Handle).fd >= 0 && !(takesInterface && args.some(namesAnInterface)))
      return Reflect.apply(original, this, args)
    const call = () => Reflect.apply(original, this, args)
    return inNamespace('net', namespace, call, (uvError) => uvError)
  })
}

/** Makes a call that starts a process inside every namespace of the store, and at home for the other kinds. */
export function inEachNamespace<T>(store: Store, call: () => T, onRefusal: OnRefusal<T>): T {
  const enter = ([kind, ...rest]: VisitableKind[]): T =>
    kind === undefined ? call() : inNamespace(kind, store[kind], () => enter(rest), onRefusal)
  return enter(ALL_KINDS.filter((kind) => !isNamed(kind)))
}

/** Makes one call inside a namespace; home, where a call tree that belongs there is reached from within runSync(). */
export function inNamespace<T>(
  kind: VisitableKind,
  namespace: Namespace | undefined,
  call: () => T,
  onRefusal: OnRefusal<T>,
): T {
  if (namespace?.closed) return onRefusal(UV_EBADF)
  const to = namespace?.fd ?? homeOf(kind)
  if (to === undefined) return call()
  const from = whereabouts(kind)
  if (from === to) return call()
  const refused = goTo(kind, to)
  if (refused !== 0) return onRefusal(-refused)
  try {
    return call()
  } finally {
    goBack(kind, from)
  }
}

function namesAnInterface(argument: unknown): boolean {
  return typeof argument === 'string' && argument.includes('%')
}
