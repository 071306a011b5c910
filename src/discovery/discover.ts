// discover: every namespace on this machine that has a name or a process, and how it was found.
import { checkKind, KIND_NAMES, type Kind } from '../namespace/kinds.js'
import type { PinInfo } from '../namespace/pin.js'
import { findMounts } from './mounts.js'
import { type DiscoveredNamespace, Findings } from './namespaces.js'
import { findOwner } from './owners.js'
import { findPins } from './pins.js'
import { findProcesses } from './processes.js'

export type { DiscoveredNamespace, FoundPin, FoundProcess } from './namespaces.js'

export type DiscoverOptions = {
  /** Only these kinds; all eight, if not given. */
  kinds?: readonly Kind[]
  /** Leave the processes out: the pins alone take a fraction of the time. */
  processes?: boolean
  /** Leave the owners out: that is one descriptor less to open a namespace. */
  owners?: boolean
  signal?: AbortSignal
}

export type Discovery = {
  namespaces: DiscoveredNamespace[]
  /** Pins that name nothing: somebody was interrupted half-way. `nsfd rm` and the next pin of that name clear them away. */
  stale: PinInfo[]
  /** How many processes we may not look at, and whose namespaces may therefore be missing. */
  hidden: number
}

/**
 * Looks at the pins, at nsfs mounts anywhere, and at every process in /proc. Processes that end meanwhile, zombies, and
 * those of other users where we are no root, do not make it fail.
 * @throws ERR_INVALID_ARG_VALUE for an unknown kind; the signal's reason when aborted
 * Source: namespaces(7), proc_pid_ns(5), proc_pid_mountinfo(5).
 */
export async function discover(options: DiscoverOptions = {}): Promise<Discovery> {
  const { kinds = KIND_NAMES, processes = true, owners = true, signal } = options
  signal?.throwIfAborted()
  const findings = new Findings(kinds.map(checkKind))
  const stale = findPins(findings)
  findMounts(findings)
  if (processes) await findProcesses(findings, signal)
  const namespaces = findings.all()
  if (owners) for (const each of namespaces) findOwner(each)
  return { namespaces, stale, hidden: findings.hidden }
}
