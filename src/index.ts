// The public face of nsfd. Containers and discovery are loaded when they are first asked for: most programs never do.
import './context/run.js'
import type { execIn as ExecIn } from './container/exec.js'
import type { listContainers as ListContainers, openTarget as OpenTarget } from './container/open-target.js'
import type { discover as Discover } from './discovery/discover.js'

export type { CopyOptions, CopyResult } from './container/copy.js'
export type { Container } from './container/engine.js'
export type { ExecOptions, ExecResult } from './container/exec.js'
export type { Files } from './container/files.js'
export type { TargetSpawnOptions } from './container/spawn.js'
export type { Target } from './container/target.js'
export type { DiscoveredNamespace, DiscoverOptions, Discovery } from './discovery/discover.js'
export {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  AF_VSOCK,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from './kernel/constants.js'
export { NsfdError } from './kernel/errors.js'
export type { NamespaceId } from './namespace/identity.js'
export type { Kind } from './namespace/kinds.js'
export { Namespace } from './namespace/namespace.js'
export type { Pin, PinInfo } from './namespace/pin.js'
export { setns } from './namespace/setns.js'
export { close, socketat } from './namespace/socketat.js'
export { NamespaceWorker, type NamespaceWorkerOptions } from './process/namespace-worker.js'
export { type SpawnOptions, spawn } from './process/spawn.js'

/**
 * Opens what a word means, and holds it: it stays the same container, even if its name or pid comes to mean another.
 * @param word docker:NAME, podman:NAME or podman:USER@NAME, containerd:NAMESPACE/ID, cri:POD/CONTAINER or cri:ID, lxc:NAME,
 *   machine:NAME (each also by id, or by the beginning of an id if that is unique), pid:N, net:NAME and the other kinds'
 *   pins, a path of a namespace (with a slash), or a bare word that exactly one of them goes by
 * @throws (rejects) ERR_NSFD_NO_SUCH_TARGET, ERR_NSFD_AMBIGUOUS_TARGET (lists the matches), ERR_NSFD_NOT_RUNNING,
 *   ERR_NSFD_TARGET_GONE if it ends meanwhile, ERR_NSFD_ENGINE if the engine does not answer, EPERM, ERR_INVALID_ARG_VALUE
 */
export const openTarget: typeof OpenTarget = async (word) =>
  (await import('./container/open-target.js')).openTarget(word)

/** All containers of all engines that are there; what an engine that does not answer would have said is in `failures`. */
export const listContainers: typeof ListContainers = async (names) =>
  (await import('./container/open-target.js')).listContainers(names)

/**
 * Runs a command inside a target and resolves when it has ended: target.exec() as a function.
 * @throws (rejects) as Target.spawn; ERR_NSFD_EXIT with `result` if it fails; ETIMEDOUT; ERR_NSFD_MAXBUFFER; AbortError
 */
export const execIn = (async (...args: Parameters<typeof ExecIn>) =>
  (await import('./container/exec.js')).execIn(...args)) as typeof ExecIn

/**
 * Looks at the pins, at nsfs mounts anywhere, and at every process in /proc. Processes that end meanwhile, zombies, and
 * those of other users where we are no root, do not make it fail.
 * @throws (rejects) ERR_INVALID_ARG_VALUE for an unknown kind; the signal's reason when aborted
 * Source: namespaces(7), proc_pid_ns(5), proc_pid_mountinfo(5).
 */
export const discover: typeof Discover = async (options) => (await import('./discovery/discover.js')).discover(options)
