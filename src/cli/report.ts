// How namespaces look in JSON: the kernel's own form, and numbers a program can compare.
import type { NamespaceId } from '../namespace/identity.js'
import type { Kind } from '../namespace/kinds.js'

export type NamespaceReport = { kind: Kind; id: string; dev: number; ino: number }

/** dev and ino fit a JSON number: the kernel gives nsfs 32 bits. */
export function describeNamespace({ kind, id }: { kind: Kind; id: NamespaceId }): NamespaceReport {
  return { kind, id: `${kind}:[${id.ino}]`, dev: Number(id.dev), ino: Number(id.ino) }
}
