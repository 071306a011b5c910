// A cluster worker's servers are made by the primary process, which knows nothing of this worker's context: refused.
import cluster from 'node:cluster'
import dgram from 'node:dgram'
import net from 'node:net'
import { NsfdError } from '../kernel/errors.js'
import { currentStore } from './storage.js'

type Method = (this: unknown, ...args: unknown[]) => unknown

export function refuseClusterServers(): void {
  refuseForks()
  if (!cluster.isWorker) return
  guard(net.Server.prototype as unknown as Record<string, Method>, 'listen')
  guard(dgram.Socket.prototype as unknown as Record<string, Method>, 'bind')
}

/** Workers inside and at home would be given one another's servers, which the primary keeps by address and port. */
function refuseForks(): void {
  const { fork } = cluster
  if (fork === undefined) return // a worker has none
  cluster.fork = function (this: typeof cluster, ...args: Parameters<typeof fork>) {
    if (currentStore().net === undefined) return fork.apply(this, args)
    throw new NsfdError(
      'cluster.fork() inside run(): the primary makes the servers of its workers, keeps them by address and port, and cannot tell namespaces apart. Use child_process.fork() inside run()',
      { code: 'ERR_NSFD_CLUSTER', kind: 'net' },
    )
  }
}

function guard(prototype: Record<string, Method>, name: string): void {
  const original = prototype[name] as Method
  prototype[name] = function guarded(...args) {
    if (currentStore().net !== undefined && !isOwn(args[0])) throw refusal(name)
    return original.apply(this, args)
  }
}

/** Options by which a worker makes, or already has, a socket of its own. */
function isOwn(options: unknown): boolean {
  if (typeof options !== 'object' || options === null) return false
  const { exclusive, reusePort, fd } = options as { exclusive?: boolean; reusePort?: boolean; fd?: number }
  return exclusive === true || reusePort === true || typeof fd === 'number'
}

function refusal(name: string): NsfdError {
  return new NsfdError(
    `${name}() inside run() in a cluster worker: the primary would make the socket, in its own namespace. Pass { exclusive: true } or { reusePort: true }`,
    { code: 'ERR_NSFD_CLUSTER', kind: 'net' },
  )
}
