// What a call names itself goes before what its context says: spawn(blue, …) inside red.run() starts in blue.
import type { Kind } from '../namespace/kinds.js'

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

/** Whether the call in progress names a namespace of this kind itself, and is already there. */
export function isNamed(kind: Kind): boolean {
  return named.includes(kind)
}
