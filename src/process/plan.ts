// Which namespaces a child is born in, which ones a last hop takes it to, and in what order. Decided before anything runs.

import { invalidArgument, NsfdError } from '../kernel/errors.js'
import { hasCapability } from '../kernel/privilege.js'
import { checkKind, isVisitable, type Kind, type VisitableKind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'

export type Plan = {
  /** The calling thread stands in these while it forks: the child is born there. */
  visits: { kind: VisitableKind; namespace: Namespace }[]
  /** The calling thread makes these for the child, and comes back. */
  births: VisitableKind[]
  /** nsenter(1) takes the child to these before it becomes the command. */
  enters: Namespace[]
  /** unshare(1) makes these before the child becomes the command. */
  unshares: Kind[]
  /** Whether we have CAP_SYS_ADMIN over our own user namespace. */
  privileged: boolean
}

/**
 * A thread of Node can stand in net, uts, ipc, cgroup and pid for a moment; mnt, user and time need a process of one
 * thread, so util-linux does those between fork and exec. Whoever has no CAP_SYS_ADMIN gets it by entering the user
 * namespace first, and so must everything else then come after that. What is made beside a new user namespace should
 * belong to it, so that comes after it as well.
 */
export function planFor(inside: Namespace | readonly Namespace[], newKinds: readonly Kind[] = []): Plan {
  const entered = checkInside(inside)
  const made = checkNewKinds(newKinds, entered)
  if (entered.length + made.length === 0) {
    throw invalidArgument('inside', 'must name at least one namespace, unless options.newNamespaces does', inside)
  }
  const privileged = hasCapability('CAP_SYS_ADMIN')
  const enterLate = (kind: Kind) => !isVisitable(kind) || (!privileged && entered.some((each) => each.kind === 'user'))
  const makeLate = (kind: Kind) =>
    !isVisitable(kind) || made.includes('user') || entered.some(({ kind }) => enterLate(kind))
  return {
    visits: entered
      .filter(({ kind }) => !enterLate(kind))
      .map((each) => ({ kind: each.kind as VisitableKind, namespace: each })),
    births: made.filter((kind): kind is VisitableKind => !makeLate(kind)),
    enters: entered.filter(({ kind }) => enterLate(kind)),
    unshares: made.filter(makeLate),
    privileged,
  }
}

function checkInside(inside: unknown): Namespace[] {
  const list = Array.isArray(inside) ? inside : [inside]
  for (const each of list) {
    if (!(each instanceof Namespace)) throw invalidArgument('inside', 'must be a Namespace or an array of them', each)
    each.fd // throws ERR_NSFD_CLOSED
    const twin = list.find((other) => other !== each && other instanceof Namespace && other.kind === each.kind)
    if (twin !== undefined || list.indexOf(each) !== list.lastIndexOf(each)) {
      throw new NsfdError(
        `A process is in one ${each.kind} namespace at a time, and two were given: ${each}, ${twin ?? each}`,
        {
          code: 'ERR_INVALID_ARG_VALUE',
          kind: each.kind,
        },
      )
    }
  }
  return list
}

function checkNewKinds(kinds: unknown, entered: Namespace[]): Kind[] {
  if (!Array.isArray(kinds)) throw invalidArgument('options.newNamespaces', 'must be an array of kinds', kinds)
  const made = kinds.map(checkKind)
  for (const kind of made) {
    if (made.indexOf(kind) !== made.lastIndexOf(kind)) {
      throw invalidArgument('options.newNamespaces', `must name each kind once, and names ${kind} twice`, kinds)
    }
    if (entered.some((each) => each.kind === kind)) {
      throw invalidArgument(
        'options.newNamespaces',
        `must not name ${kind}: a ${kind} namespace to enter was given`,
        kinds,
      )
    }
  }
  return made
}
