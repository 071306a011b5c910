// What a call tree carries: the namespaces it runs in, by kind. The innermost run wins; immutable, so that trees may fork.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { VisitableKind } from '../namespace/kinds.js'
import type { Namespace } from '../namespace/namespace.js'

export type Store = { readonly [K in VisitableKind]?: Namespace }

/** The store of work that runs at home, for pools that must say so explicitly. */
export const HOME: Store = Object.freeze({})

export const storage = new AsyncLocalStorage<Store>()

export function currentStore(): Store {
  return storage.getStore() ?? HOME
}

/** What tells the pools of two namespaces apart; '' at home. Never the same for two namespaces that ever coexisted. */
export function poolKey(store: Store): string {
  const { net } = store
  if (net === undefined) return ''
  return net.kernelId === undefined ? `${net.id.dev}:${net.id.ino}` : `id:${net.kernelId}`
}
