// Which files and servers answer names for a namespace of the context.
import type { Namespace } from '../namespace/namespace.js'
import type { NameSource } from './names/index.js'
import { poolKey } from './storage.js'

export function nameSourceOf(net: Namespace): NameSource {
  const known = sources.get(net)
  if (known !== undefined) return known
  const source = { id: poolKey({ net }), name: net.name, rootFd: net.rootFd }
  sources.set(net, source)
  return source
}
const sources = new WeakMap<Namespace, NameSource>()
