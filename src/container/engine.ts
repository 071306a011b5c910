// What every engine answers: which containers there are, and the one that a name or id means.
import { hasCode, NsfdError } from '../kernel/errors.js'
import { HeldProcess } from './held-process.js'
import { type Description, Target } from './target.js'

export type Container = Description & {
  /** The engine's own word: running, exited, paused, … */
  readonly status: string
  /** The first process, as seen from here; undefined unless it runs. */
  readonly pid: number | undefined
  /** Something that changes whenever the container is started anew. */
  readonly run: string
  /** What find() knows it by, without fail. Default: its id. */
  readonly key?: string
  /** A part of the cgroup path of every process of it, where the engine makes one. */
  readonly cgroup?: string | undefined
}

export type Engine = {
  readonly name: string
  /** Whether there is anything to ask: a socket, a directory. Costs a system call or two. */
  present(): boolean
  /** All containers, running or not. */
  list(): Promise<Container[]>
  /** What the engine itself takes a name, id or beginning of an id to mean. */
  find(query: string): Promise<Container | undefined>
}

/**
 * Holds the process first, then asks again: what is held is the container's own process only if it was the container's
 * before and after.
 */
export async function openContainer(engine: Engine, query: string): Promise<Target> {
  const container = await engine.find(query)
  if (container === undefined) throw noSuchTarget(`${engine.name}:${query}`)
  if (container.pid === undefined) throw notRunning(container)
  const held = hold(container)
  try {
    const now = await engine.find(container.key ?? container.id)
    if (now?.run !== container.run || now.pid !== container.pid || !held.alive) throw changedMeanwhile(container)
    if (container.cgroup !== undefined && !held.read('cgroup').includes(container.cgroup))
      throw notItsProcess(container)
    return new Target(container, held)
  } catch (error) {
    held.close()
    throw error
  }
}

function hold(container: Container): HeldProcess {
  try {
    return HeldProcess.open(container.pid as number)
  } catch (error) {
    if (hasCode(error, 'ESRCH', 'ENOENT', 'ERR_NSFD_TARGET_GONE')) throw changedMeanwhile(container)
    throw error
  }
}

/** Exact names and ids before beginnings of ids, as docker has it; more than one of a sort is an error. */
export function choose(engine: string, containers: readonly Container[], query: string): Container | undefined {
  const exact = containers.filter(({ name, id }) => name === query || id === query)
  const matches = exact.length > 0 ? exact : containers.filter(({ id }) => id.startsWith(query))
  if (matches.length > 1) throw ambiguous(`${engine}:${query}`, matches.map(wordOf))
  return matches[0]
}

export function wordOf({ engine, name, id }: Container): string {
  return name === id ? `${engine}:${name}` : `${engine}:${name} (${id.slice(0, 12)})`
}

export function noSuchTarget(word: string, more = ''): NsfdError {
  return new NsfdError(`There is no ${word}${more}; nsfd ps shows what there is`, { code: 'ERR_NSFD_NO_SUCH_TARGET' })
}

export function ambiguous(word: string, matches: readonly string[]): NsfdError {
  return new NsfdError(`${word} could mean ${matches.join(', or ')}: say which`, { code: 'ERR_NSFD_AMBIGUOUS_TARGET' })
}

/** An engine that is there and does not answer as it should. */
export function engineFailed(engine: string, why: string, cause?: unknown): NsfdError {
  return new NsfdError(`${engine} does not answer: ${why}`, { code: 'ERR_NSFD_ENGINE', cause })
}

function notRunning(container: Container): NsfdError {
  return new NsfdError(`${wordOf(container)} is not running (${container.status}): start it first`, {
    code: 'ERR_NSFD_NOT_RUNNING',
  })
}

function changedMeanwhile(container: Container): NsfdError {
  return new NsfdError(`${wordOf(container)} ended or was restarted while it was being opened: try again`, {
    code: 'ERR_NSFD_TARGET_GONE',
  })
}

function notItsProcess(container: Container): NsfdError {
  return new NsfdError(
    `Process ${container.pid} is not in the cgroup of ${wordOf(container)}: ${container.engine} counts processes in another pid namespace than this one. Run nsfd where the engine runs`,
    { code: 'ERR_NSFD_OTHER_PID_NAMESPACE' },
  )
}
