// What discovery collects: one entry a namespace, however many ways it was found.
import type { NamespaceId } from '../namespace/identity.js'
import { KIND_NAMES, type Kind } from '../namespace/kinds.js'

/** A mount that names and holds a namespace. A pin has a name; a bind mount elsewhere has only its path. */
export type FoundPin = { path: string; name?: string }

export type FoundProcess = { pid: number; command: string }

export type DiscoveredNamespace = {
  kind: Kind
  /** (dev, ino), as Namespace.id. */
  id: NamespaceId
  pins: FoundPin[]
  /** By pid. */
  processes: FoundProcess[]
  /** The user namespace that owns it; undefined where we may not look. */
  owner?: NamespaceId
}

/** The table that each step adds to. */
export class Findings {
  readonly kinds: ReadonlySet<Kind>
  /** Processes whose namespaces we may not look at. */
  hidden = 0
  readonly #found = new Map<string, DiscoveredNamespace>()

  constructor(kinds: Iterable<Kind>) {
    this.kinds = new Set(kinds)
  }

  at(kind: Kind, id: NamespaceId): DiscoveredNamespace {
    const key = `${kind}:${id.dev}:${id.ino}`
    let entry = this.#found.get(key)
    if (entry === undefined) {
      entry = { kind, id, pins: [], processes: [] }
      this.#found.set(key, entry)
    }
    return entry
  }

  /** By kind, in the order of the kinds' table, then by inode number. */
  all(): DiscoveredNamespace[] {
    const order = (kind: Kind) => KIND_NAMES.indexOf(kind)
    return [...this.#found.values()].sort(
      (a, b) => order(a.kind) - order(b.kind) || (a.id.ino < b.id.ino ? -1 : a.id.ino > b.id.ino ? 1 : 0),
    )
  }
}
