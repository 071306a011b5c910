// ns.bind(x): x as seen from outside, whose every call runs inside.
import { invalidArgument } from '../kernel/errors.js'
import type { Namespace } from '../namespace/namespace.js'
import { http } from './builtins.js'
import { makeExplicit } from './dispatchers.js'
import { belong } from './requests.js'
import { EXPLICIT } from './storage.js'

type Run = <T>(namespace: Namespace, fn: () => T) => T
type Callable = (...args: unknown[]) => unknown

/** A proxy whose calls, method calls, constructions, getters and setters are made in run(). */
export function bindTo<T extends object>(namespace: Namespace, x: T, run: Run): T {
  if ((typeof x !== 'object' && typeof x !== 'function') || x === null) {
    throw invalidArgument('x', 'must be an object or a function', x)
  }
  void namespace.fd // throws if it is closed
  // `this` is x itself in getters and methods: private fields are not seen through a proxy. Neither is x given away.
  const unwrap = (value: unknown) => (value === proxy ? x : value)
  const inside = (fn: () => unknown, args: unknown[] = []) => {
    for (const request of args)
      if (request instanceof http.ClientRequest) belong(request, { net: namespace, [EXPLICIT]: true })
    const result = run(namespace, fn)
    return result === x ? proxy : result
  }
  const methods = new WeakMap<object, Callable>()

  const boundMethod = (method: Callable): Callable => {
    const known = methods.get(method)
    if (known !== undefined) return known
    const bound = new Proxy(method, {
      apply: (target, self, args) => inside(() => Reflect.apply(target, unwrap(self), args), args),
      construct: (target, args, newTarget) => inside(() => Reflect.construct(target, args, newTarget)) as object,
    })
    methods.set(method, bound)
    return bound
  }
  const shown = (key: PropertyKey, value: unknown): unknown =>
    typeof value === 'function' && key !== 'constructor' ? boundMethod(value as Callable) : value

  const proxy = new Proxy(standIn(x), {
    apply: (_, self, args) => inside(() => Reflect.apply(x as Callable, unwrap(self), args), args),
    construct: (_, args, newTarget) =>
      inside(() => Reflect.construct(x as Callable, args, newTarget === proxy ? (x as Callable) : newTarget)) as object,
    get: (_, key) =>
      key === 'prototype'
        ? Reflect.get(x, key)
        : shown(
            key,
            inside(() => Reflect.get(x, key, x)),
          ),
    set: (_, key, value) => inside(() => Reflect.set(x, key, value, x)) as boolean,
    has: (_, key) => Reflect.has(x, key),
    deleteProperty: (_, key) => Reflect.deleteProperty(x, key),
    defineProperty: (stand, key, property) =>
      Reflect.defineProperty(x, key, property) &&
      (property.configurable !== false || Reflect.defineProperty(stand, key, property)),
    getPrototypeOf: () => Reflect.getPrototypeOf(x),
    setPrototypeOf: (_, prototype) => Reflect.setPrototypeOf(x, prototype),
    ownKeys: (stand) => [...new Set([...Reflect.ownKeys(x), ...Reflect.ownKeys(stand)])],
    getOwnPropertyDescriptor(stand, key) {
      const fixed = Reflect.getOwnPropertyDescriptor(stand, key)
      const property = Reflect.getOwnPropertyDescriptor(x, key)
      if (property === undefined || fixed?.configurable === false) return fixed
      return { ...property, ...('value' in property && { value: shown(key, property.value) }), configurable: true }
    },
  }) as T
  return makeExplicit(proxy)
}

/**
 * What the proxy is made over: callable and constructible as x is, and otherwise empty. Over x itself, a frozen x would
 * oblige the proxy to show its methods as they are, and those run at home.
 */
function standIn(x: object): object {
  if (typeof x !== 'function') return {}
  return isConstructor(x) ? function bound() {} : () => {}
}

function isConstructor(x: object): boolean {
  try {
    Reflect.construct(Object, [], x as Callable)
    return true
  } catch {
    return false // the only way to ask
  }
}
