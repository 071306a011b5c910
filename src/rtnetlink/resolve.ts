// Names of links to their indexes, and ids of namespaces to namespaces. Names are asked for anew each time: one can mean
// another link a moment later.
import { hasCode } from '../kernel/errors.js'
import { Namespace } from '../namespace/namespace.js'
import { getLink } from './objects/link-operations.js'
import { getNsid } from './objects/nsids.js'
import type { IndexOf, LinkRef, Operation } from './operation.js'
import { perform } from './perform.js'
import type { Transport } from './transport.js'

/** Finds the index of every name among refs. @throws ENODEV for the first that there is not */
export async function indexesOf(
  transport: Transport,
  refs: readonly LinkRef[],
  known: ReadonlyMap<string, number> = new Map(),
): Promise<IndexOf> {
  const indexes = new Map(known)
  const names = new Set(refs.filter((ref) => typeof ref === 'string' && !known.has(ref)) as string[])
  await Promise.all([...names].map(async (name) => indexes.set(name, await indexOfName(transport, name))))
  return (ref) => (typeof ref === 'number' ? ref : (indexes.get(ref) as number))
}

/** @throws ENODEV */
export async function indexOfName(transport: Transport, name: string): Promise<number> {
  const known = transport.indexOf(name)
  if (known !== undefined) return known
  const [link] = await perform(transport, getLink(name), noIndex)
  return (link as { index: number }).index
}

const noIndex: IndexOf = () => 0

type PerformOne = <T>(operation: Operation<T>) => Promise<T[]>

/**
 * Which of the candidates the ids of this namespace stand for. The kernel cannot open a namespace by its id, only tell the
 * id of one that is open.
 * @param candidates namespaces; or true, for home and all pins, of which those that were found are added to `opened`
 */
export async function namespacesById(
  performOne: PerformOne,
  candidates: true | Iterable<Namespace>,
  opened: Namespace[],
): Promise<Map<number, Namespace>> {
  const ours = candidates === true ? openPins() : []
  const all = candidates === true ? ours : [...candidates]
  const ids = await Promise.all(all.map((ns) => performOne(getNsid(ns))))
  const byId = new Map<number, Namespace>()
  for (const [i, [id = -1]] of ids.entries()) if (id >= 0 && !byId.has(id)) byId.set(id, all[i] as Namespace)
  const found = new Set(byId.values())
  for (const ns of ours) found.has(ns) ? opened.push(ns) : ns.close()
  return byId
}

function openPins(): Namespace[] {
  return [Namespace.current('net'), ...Namespace.list('net').flatMap(({ name }) => openPin(name))]
}

function openPin(name: string): Namespace[] {
  try {
    return [Namespace.named(name)]
  } catch (error) {
    // Removed meanwhile, or a name without a namespace behind it, as a crashed tool leaves them.
    if (hasCode(error, 'ENOENT', 'ERR_NSFD_NOT_A_NAMESPACE', 'EACCES')) return []
    throw error
  }
}
