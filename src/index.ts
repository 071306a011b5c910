// The public face of nsfd.
import './context/run.js'

export type { CopyOptions, CopyResult } from './container/copy.js'
export type { Container } from './container/engine.js'
export { type ExecOptions, type ExecResult, execIn } from './container/exec.js'
export type { Files } from './container/files.js'
export { listContainers, openTarget } from './container/open-target.js'
export type { TargetSpawnOptions } from './container/spawn.js'
export { Target } from './container/target.js'
export { type DiscoveredNamespace, type DiscoverOptions, type Discovery, discover } from './discovery/discover.js'
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
