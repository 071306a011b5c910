// Discovery step: the user namespace that owns each namespace found. ioctl_nsfs(2), NS_GET_USERNS.
import { hasCode } from '../kernel/errors.js'
import { Namespace } from '../namespace/namespace.js'
import type { DiscoveredNamespace } from './namespaces.js'

/** Gone meanwhile, or not ours to open; its owner may also be above our own user namespace (EPERM). */
const UNKNOWABLE = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ERR_NSFD_NOT_A_NAMESPACE']

export function findOwner(found: DiscoveredNamespace): void {
  for (const path of pathsOf(found)) {
    try {
      using namespace = Namespace.open(path)
      // The pid may be another process's by now, or the process may have moved.
      if (namespace.kind !== found.kind || namespace.id.ino !== found.id.ino) continue
      using owner = namespace.owner()
      found.owner = owner.id
      return
    } catch (error) {
      if (!hasCode(error, ...UNKNOWABLE)) throw error
    }
  }
}

/** A few of the ways to it: more would not tell more. */
function pathsOf({ kind, pins, processes }: DiscoveredNamespace): string[] {
  const ofProcesses = processes.slice(0, 3).map(({ pid }) => `/proc/${pid}/ns/${kind}`)
  return [...pins.slice(0, 3).map(({ path }) => path), ...ofProcesses]
}
