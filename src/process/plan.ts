// Which namespaces a child is born in, which ones a last hop takes it to, and in what order. Decided before anything runs.

import { errnoOf, invalidArgument, NsfdError, systemError } from '../kernel/errors.js'
import { libc } from '../kernel/libc.js'
import { hasCapability } from '../kernel/privilege.js'
import {
  CREATE_HELP,
  checkKind,
  ENTER_HELP,
  isVisitable,
  KINDS,
  type Kind,
  type VisitableKind,
} from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { whereabouts } from '../namespace/thread.js'

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
 * A thread of Node can stand in net, uts, ipc, cgroup and pid for a moment, if it may come back; mnt, user and time need a
 * process of one thread, so util-linux does those between fork and exec. Whoever may not come back goes by util-linux too:
 * that is a way in one direction. What is made beside a new user namespace should belong to it, so that comes after it.
 */
export function planFor(inside: Namespace | readonly Namespace[], newKinds: readonly Kind[] = []): Plan {
  const entered = checkInside(inside)
  const made = checkNewKinds(newKinds, entered)
  if (entered.length + made.length === 0) {
    throw invalidArgument('inside', 'must name at least one namespace, unless options.newNamespaces does', inside)
  }
  const privileged = hasCapability('CAP_SYS_ADMIN')
  if (!privileged) refuseWithoutUserNamespace(entered, made)
  const direct = (kind: Kind): kind is VisitableKind => privileged && isVisitable(kind) && canComeBack(kind)
  const born = (kind: Kind): kind is VisitableKind => !made.includes('user') && direct(kind)
  return {
    visits: entered.flatMap((each) => (direct(each.kind) ? [{ kind: each.kind, namespace: each }] : [])),
    births: made.filter(born),
    enters: entered.filter(({ kind }) => !direct(kind)),
    unshares: made.filter((kind) => !born(kind)),
    privileged,
  }
}

/** util-linux would only say so on stderr, when the child has started. */
function refuseWithoutUserNamespace(entered: Namespace[], made: Kind[]): void {
  if (made.includes('user') || entered.some(({ kind }) => kind === 'user')) return
  const what = entered.length > 0 ? `in ${entered.join(', ')}` : `with new namespaces (${made.join(', ')})`
  throw systemError(errnoOf('EPERM'), {
    syscall: 'setns',
    kind: entered[0]?.kind ?? made[0],
    asked: `cannot start a process ${what}`,
    next: entered.length > 0 ? ENTER_HELP : CREATE_HELP,
  })
}

/** A setns(2) to where the thread stands already: changes nothing, and is refused like the real way back would be. */
function canComeBack(kind: VisitableKind): boolean {
  return libc().setns(whereabouts(kind), KINDS[kind].flag) !== -1
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
