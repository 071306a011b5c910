// What `nsfd link ls` shows of a link: its addresses, and who its far end is, in words.
import { hasCode } from '../kernel/errors.js'
import { Namespace } from '../namespace/namespace.js'
import { type Link, Route } from '../rtnetlink/index.js'

export type LinkRow = {
  namespace: string
  link: Link
  /** 'v1', or 'v1 in blue'; undefined for a link that has none. */
  peer: string | undefined
  addresses: string[]
}

type Known = { name: string; ns: Namespace; links: Link[]; addresses: Map<number, string[]>; byId: Map<number, Known> }

/** The links of one namespace; far ends are looked for among home and all pins. */
export async function linksOf(ns: Namespace, word = 'here'): Promise<LinkRow[]> {
  return withKnown([{ name: word, ns: ns.clone() }, ...others()], (all) => rowsOf(all[0] as Known))
}

/** The links of home and of every pin. */
export async function allLinks(): Promise<LinkRow[]> {
  return withKnown(others(), (all) => all.flatMap(rowsOf))
}

type Named = { name: string; ns: Namespace }

function others(): Named[] {
  const pins = Namespace.list('net').flatMap(({ name, state }) => (state === 'live' ? openPin(name) : []))
  return [{ name: 'here', ns: Namespace.current('net') }, ...pins]
}

function openPin(name: string): Named[] {
  try {
    return [{ name, ns: Namespace.named(name) }]
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ERR_NSFD_NOT_A_NAMESPACE')) return [] // removed meanwhile
    throw error
  }
}

async function withKnown<T>(named: Named[], work: (all: Known[]) => T): Promise<T> {
  try {
    const unlike = named.filter(({ ns }, i) => named.findIndex((other) => other.ns.equals(ns)) === i)
    return work(await lookAt(unlike))
  } finally {
    for (const { ns } of named) ns.close()
  }
}

async function lookAt(named: Named[]): Promise<Known[]> {
  const all: Known[] = named.map((each) => ({ ...each, links: [], addresses: new Map(), byId: new Map() }))
  await Promise.all(
    all.map(async (each) => {
      await using route = Route.open(each.ns)
      const [links, addresses] = await Promise.all([route.links(), route.addresses()])
      each.links = links
      for (const { index, address, prefixLength } of addresses) {
        const of = each.addresses.get(index) ?? []
        each.addresses.set(index, [...of, `${address}/${prefixLength}`])
      }
      if (!links.some(({ linkNsid = -1 }) => linkNsid >= 0)) return
      const ids = await Promise.all(all.map(({ ns }) => route.nsid.get(ns)))
      for (const [i, id] of ids.entries()) if (id !== undefined) each.byId.set(id, all[i] as Known)
    }),
  )
  return all
}

function rowsOf(known: Known): LinkRow[] {
  return known.links.map((link) => ({
    namespace: known.name,
    link,
    peer: peerOf(known, link),
    addresses: known.addresses.get(link.index) ?? [],
  }))
}

function peerOf(known: Known, { link, linkNsid }: Link): string | undefined {
  if (link === undefined || link === 0) return undefined
  if (linkNsid === undefined) return nameIn(known, link)
  const there = known.byId.get(linkNsid)
  return there === undefined ? `index ${link} in a namespace without a name` : `${nameIn(there, link)} in ${there.name}`
}

function nameIn({ links }: Known, index: number): string {
  return links.find((each) => each.index === index)?.name ?? `index ${index}`
}
