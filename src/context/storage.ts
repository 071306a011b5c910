// What a call tree carries: the namespaces it runs in, by kind. The innermost run wins; immutable, so that trees may fork.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { VisitableKind } from '../namespace/kinds.js'
import type { Namespace } from '../namespace/namespace.js'

/** Marks the work of ns.agent() and ns.connector: who uses their connections has asked for that namespace by name. */
export const EXPLICIT: unique symbol = Symbol('nsfd.explicit')

export type Store = { readonly [K in VisitableKind]?: Namespace } & { readonly [EXPLICIT]?: true }

/** The store of work that runs at home, for pools that must say so explicitly. */
export const HOME: Store = Object.freeze({})

export const storage = new AsyncLocalStorage<Store>()

/** storage.run, which costs something, where the store is not the current one anyway. */
export function runIn<T>(store: Store, fn: () => T): T {
  return storage.getStore() === store ? fn() : storage.run(store, fn)
}

export function currentStore(): Store {
  return storage.getStore() ?? HOME
}

/** What tells the pools of two namespaces apart; '' at home. Never the same for two namespaces that ever coexisted. */
export function poolKey({ net }: Store): string {
  if (net === undefined) return ''
  const known = keys.get(net)
  if (known !== undefined) return known
  const key = keyOf(net)
  keys.set(net, key)
  return key
}
const keys = new WeakMap<Namespace, string>()

export function keyOf({ id, kernelId }: Pick<Namespace, 'id' | 'kernelId'>): string {
  return kernelId === undefined ? `${id.dev}:${id.ino}` : `id:${kernelId}`
}
