// The names module, a third of nsfd's code: loaded by the first lookup inside run().
import { require } from '../kernel/require.js'
import type { Namespace } from '../namespace/namespace.js'
import { nameSourceOf } from './name-source.js'
import type { NameSource } from './names/index.js'
import { closedInUse } from './stamp.js'

export type Names = typeof import('./names/index.js')

let loaded: Names | undefined
let loading: Promise<Names> | undefined

/** Asks the names module on behalf of a namespace. @throws EBADF if that is closed by the time it can be asked */
export function askNames<T>(net: Namespace, ask: (names: Names, source: NameSource) => Promise<T>): Promise<T> {
  if (loaded === undefined) return load().then(() => askNames(net, ask))
  if (net.closed) return Promise.reject(closedInUse(net.toString()))
  return ask(loaded, nameSourceOf(net))
}

async function load(): Promise<void> {
  loading ??= import('./names/index.js')
  loaded = await loading
}

/** For a thread that goes where this module's file is not. */
export function loadNames(): void {
  require('../context/names/index.js')
}
