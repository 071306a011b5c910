// How Namespace reaches the context, which is a floor above: the context fills this in when it is loaded.
import type { Namespace } from './namespace.js'

export type Inside = {
  runSync<T>(namespace: Namespace, fn: () => T): T
  run<T>(namespace: Namespace, fn: () => T): T
  bind<T extends object>(namespace: Namespace, x: T): T
}

let supplied: Inside | undefined

export function supplyInside(inside: Inside): void {
  supplied = inside
}

export function inside(): Inside {
  if (supplied === undefined) throw new Error('nsfd: the context is not loaded; import nsfd itself, not a file of it')
  return supplied
}
