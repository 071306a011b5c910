// spawn: a child process that is born inside namespaces. child_process.spawn of Node, with somewhere to be.
import { type ChildProcess, type SpawnOptions as NodeSpawnOptions, spawn as nodeSpawn } from 'node:child_process'
import { naming } from '../context/explicit.js'
import { invalidArgument } from '../kernel/errors.js'
import type { Kind } from '../namespace/kinds.js'
import type { Namespace } from '../namespace/namespace.js'
import { visit, visitNew } from '../namespace/thread.js'
import { withHops } from './hop.js'
import { type Plan, planFor } from './plan.js'
import { isSpawnable, SPAWN, type Spawnable } from './spawnable.js'

export type SpawnOptions = NodeSpawnOptions & {
  /** Kinds of which the child gets new namespaces of its own. With pid, the command is the init of its namespace. */
  newNamespaces?: readonly Kind[]
}

/**
 * Starts a command inside namespaces. Like child_process.spawn: pid, kill(), exit code, signal and stdio are the
 * command's own. The namespaces may be closed as soon as this returns.
 * - net, uts, ipc, cgroup, pid: the calling thread stands inside while the child is born.
 * - mnt, user, time: the child is nsenter(1) until it becomes the command. A command that does not exist is then an
 *   exit code of 127, not an 'error' event. With mnt, the working directory is options.cwd there, or its root.
 * - pid where the calling thread may not come back to its own (in a user namespace with the machine's pid namespace), and
 *   pid together with a new user namespace: the child stays nsenter or unshare, and the command is its child. Of
 *   unshare, SIGKILL takes the command along; other signals may not reach it.
 * - user: the command is root of that namespace, unless options.uid and gid say otherwise. It keeps the caller's ids where
 *   there is no root but the caller's ids are mapped, and where the caller may not drop its groups.
 * @param inside a namespace, or one of each kind; may be empty if options.newNamespaces is not. Or a Target of openTarget(),
 *   with options of its own: see Target.spawn
 * @param command a program, by name or path, looked up where the child is
 * @param args its arguments
 * @param options those of child_process.spawn, and newNamespaces
 * @throws ERR_INVALID_ARG_VALUE, ERR_NSFD_CLOSED, EPERM where a namespace may not be entered; EINVAL where a user namespace
 *   maps neither root nor the caller; ENOENT without util-linux.
 *   As with child_process.spawn, a command that cannot be started is an 'error' event.
 * Source: setns(2), nsenter(1), unshare(1), and the seed: "entering an existing container".
 */
export function spawn(
  inside: Namespace | readonly Namespace[],
  command: string,
  args?: readonly string[],
  options?: SpawnOptions,
): ChildProcess
export function spawn(inside: Namespace | readonly Namespace[], command: string, options: SpawnOptions): ChildProcess
export function spawn<Options>(
  inside: Spawnable<Options>,
  command: string,
  args?: readonly string[],
  options?: Options,
): ChildProcess
export function spawn<Options>(inside: Spawnable<Options>, command: string, options: Options): ChildProcess
export function spawn(
  inside: Namespace | readonly Namespace[] | Spawnable<SpawnOptions>,
  command: string,
  argsOrOptions: readonly string[] | SpawnOptions = [],
  maybeOptions: SpawnOptions = {},
): ChildProcess {
  const args = Array.isArray(argsOrOptions) ? (argsOrOptions as string[]) : []
  const given = Array.isArray(argsOrOptions) ? maybeOptions : (argsOrOptions as SpawnOptions)
  if (isSpawnable(inside)) return inside[SPAWN](command, args, given)
  const { newNamespaces, ...options } = given
  checkCommand(command)
  for (const arg of args) checkText('args', arg)
  const plan = planFor(inside, newNamespaces)
  return holding(plan, () => {
    const line = withHops(plan, { command, args, options })
    return naming(kindsOf(plan), () => born(plan, () => nodeSpawn(line.command, line.args, line.options)))
  })
}

/** Forks with the calling thread in every namespace the child shall be born in. */
function born(plan: Plan, fork: () => ChildProcess): ChildProcess {
  const made = plan.births.reduceRight((inner, kind) => () => visitNew(kind, inner), fork)
  return plan.visits.reduceRight(
    (inner, { kind, namespace }) =>
      () =>
        visit(kind, namespace.fd, inner, `cannot start a process in ${namespace}`),
    made,
  )()
}

function kindsOf({ visits, births, enters, unshares }: Plan): Kind[] {
  return [...visits.map(({ kind }) => kind), ...births, ...enters.map(({ kind }) => kind), ...unshares]
}

/** Keeps the descriptors open while the child needs them: until nsenter has read them, which nobody tells us. */
function holding(plan: Plan, start: () => ChildProcess): ChildProcess {
  const release = () => {
    for (const each of plan.enters) each.done()
  }
  for (const each of plan.enters) each.use()
  try {
    const child = start()
    // No 'error' listener: it would keep an unheard error from being thrown.
    if (child.pid === undefined) release()
    else child.once('exit', release)
    return child
  } catch (error) {
    release()
    throw error
  }
}

function checkCommand(command: unknown): void {
  checkText('command', command)
  if (command === '') throw invalidArgument('command', 'must not be empty', command)
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw invalidArgument(name, 'must be a string', value)
  if (value.includes('\0')) throw invalidArgument(name, 'must not contain NUL', value)
}
