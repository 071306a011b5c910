// What a person types to mean namespaces: a pid, a path, or the name of a pin.
import { wrongKind } from '../namespace/identity.js'
import { checkKind, KIND_NAMES, type Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { UsageError } from './failure.js'

export type Wanted = {
  /** None given: net of a pid, the net pin of a name, whatever a path is. */
  kinds?: Kind[]
  /** Every kind of a process in which it differs from us. */
  all?: boolean
}

/** Digits are a pid, anything with a slash is a path, the rest is a pin's name. */
export function openTarget(word: string, { kinds = [], all = false }: Wanted): Namespace[] {
  for (const kind of kinds) checkKind(kind)
  const open = word.includes('/') ? openFile : /^\d+$/.test(word) ? openProcess : openNamed
  if (all && open !== openProcess) throw new UsageError('--all is for a pid: a pin or a path is one namespace')
  return open(word, kinds, all)
}

function openFile(path: string, kinds: Kind[]): Namespace[] {
  const [expected, ...more] = kinds
  if (more.length > 0) throw new UsageError('A path is one namespace: give one --kind at most')
  const namespace = Namespace.open(path)
  if (expected === undefined || namespace.kind === expected) return [namespace]
  namespace.close()
  throw wrongKind(path, expected, namespace.kind)
}

function openProcess(word: string, kinds: Kind[], all: boolean): Namespace[] {
  const pid = Number(word)
  if (!all) return openEach(kinds.length === 0 ? ['net'] : kinds, (kind) => Namespace.ofProcess(pid, kind))
  return openEach(KIND_NAMES, (kind) => Namespace.ofProcess(pid, kind)).filter((theirs) => {
    using ours = Namespace.current(theirs.kind)
    if (!theirs.equals(ours)) return true
    theirs.close()
    return false
  })
}

function openNamed(name: string, kinds: Kind[]): Namespace[] {
  return openEach(kinds.length === 0 ? ['net'] : kinds, (kind) => Namespace.named(name, kind))
}

function openEach(kinds: Kind[], open: (kind: Kind) => Namespace): Namespace[] {
  const opened: Namespace[] = []
  try {
    for (const kind of new Set(kinds)) opened.push(open(kind))
    return opened
  } catch (error) {
    for (const each of opened) each.close()
    throw error
  }
}
