// Names of links to their indexes. Asked anew each time: a name can mean another link a moment later.
import { getLink } from './objects/link-operations.js'
import type { IndexOf, LinkRef } from './operation.js'
import { perform } from './perform.js'
import type { Transport } from './transport.js'

/** Finds the index of every name among refs, all by one send. @throws ENODEV for the first that there is not */
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

async function indexOfName(transport: Transport, name: string): Promise<number> {
  const [link] = await perform(transport, getLink(name), noIndex)
  return (link as { index: number }).index
}

const noIndex: IndexOf = () => 0
