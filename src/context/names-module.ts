// The names module, a third of nsfd's code: loaded by the first lookup inside run().
import { require } from '../kernel/require.js'
import type { Namespace } from '../namespace/namespace.js'
import { nameSourceOf } from './name-source.js'
import type { NameSource } from './names/index.js'
import { closedInUse } from './stamp.js'

type Names = typeof import('./names/index.js')

let loading: Promise<Names> | undefined

/** Asks the names module on behalf of a namespace. @throws EBADF if that is closed by the time it can be asked */
export async function askNames<T>(net: Namespace, ask: (names: Names, source: NameSource) => Promise<T>): Promise<T> {
  loading ??= import('./names/index.js')
  const names = await loading
  if (net.closed) throw closedInUse(net.toString())
  return ask(names, nameSourceOf(net))
}

/** For a thread that goes where this module's file is not. */
export function loadNames(): void {
  require('../context/names/index.js')
}
