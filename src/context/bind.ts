// ns.bind(x): x as seen from outside, whose every call runs inside.
import { invalidArgument } from '../kernel/errors.js'
import type { Namespace } from '../namespace/namespace.js'

type Run = <T>(namespace: Namespace, fn: () => T) => T
type Callable = (...args: unknown[]) => unknown

/** A proxy whose calls, method calls, constructions, getters and setters are made in run(). */
export function bindTo<T extends object>(namespace: Namespace, x: T, run: Run): T {
  if ((typeof x !== 'object' && typeof x !== 'function') || x === null) {
    throw invalidArgument('x', 'must be an object or a function', x)
  }
  void namespace.fd // throws if it is closed
  const inside = <R>(fn: () => R) => run(namespace, fn)
  const methods = new WeakMap<object, Callable>()

  const boundMethod = (method: Callable): Callable => {
    const known = methods.get(method)
    if (known !== undefined) return known
    const bound = new Proxy(method, {
      apply: (target, self, args) => inside(() => Reflect.apply(target, self === proxy ? x : self, args)),
      construct: (target, args, newTarget) => inside(() => Reflect.construct(target, args, newTarget)),
    })
    methods.set(method, bound)
    return bound
  }

  const proxy: T = new Proxy(x, {
    apply: (target, self, args) => inside(() => Reflect.apply(target as Callable, self, args)),
    construct: (target, args, newTarget) =>
      inside(() => Reflect.construct(target as Callable, args, newTarget === proxy ? (target as Callable) : newTarget)),
    // `this` is x itself in getters and methods: private fields are not seen through a proxy.
    get(target, key) {
      const value = inside(() => Reflect.get(target, key, target)) as unknown
      if (typeof value !== 'function' || key === 'constructor') return value
      return isFrozen(target, key) ? value : boundMethod(value as Callable)
    },
    set: (target, key, value) => inside(() => Reflect.set(target, key, value, target)),
  })
  return proxy
}

/** A property a proxy must show as it is. */
function isFrozen(target: object, key: PropertyKey): boolean {
  const property = Object.getOwnPropertyDescriptor(target, key)
  return property !== undefined && !property.configurable && !property.writable && property.get === undefined
}
