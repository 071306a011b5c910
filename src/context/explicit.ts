// What a call names itself goes before what its context says: spawn(blue, …) inside red.run() starts in blue.
import type { Kind, VisitableKind } from '../namespace/kinds.js'
import type { Store } from './storage.js'

let named: readonly Kind[] = []

/** For as long as work runs, children that this thread starts are not taken to the context's namespaces of these kinds. */
export function naming<T>(kinds: readonly Kind[], work: () => T): T {
  const before = named
  named = [...before, ...kinds]
  try {
    return work()
  } finally {
    named = before
  }
}

/** The store, less the kinds that the call in progress names itself. */
export function withoutNamed(store: Store): Store {
  if (named.length === 0) return store
  return Object.fromEntries(Object.entries(store).filter(([kind]) => !named.includes(kind as VisitableKind)))
}
