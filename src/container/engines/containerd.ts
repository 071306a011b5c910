// containerd, by what its runtime keeps under /run for every task: the process, and the OCI configuration it was given.
// The same files serve containerd itself after a restart; asking over gRPC would say no more and need a client library.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { hasCode, invalidArgument } from '../../kernel/errors.js'
import { ambiguous, type Container, choose, type Engine } from '../engine.js'
import { splitPair } from './docker.js'

const TASKS = '/run/containerd/io.containerd.runtime.v2.task'

type Configuration = {
  process?: { env?: string[]; cwd?: string }
  annotations?: Record<string, string>
  linux?: { cgroupsPath?: string }
}

/** Names are NAMESPACE/ID; an ID alone will do where only one namespace has it. */
export const containerd: Engine = {
  name: 'containerd',
  present: () => existsSync(TASKS),
  list: async () =>
    entries(TASKS).flatMap((namespace) =>
      entries(`${TASKS}/${namespace}`).flatMap((id) => readTask(namespace, id) ?? []),
    ),
  find: async (query) => {
    const [namespace, id, ...more] = query.split('/')
    if (more.length > 0 || namespace === '..' || id === '..' || query.includes('\0')) {
      throw invalidArgument('target', 'must be containerd:NAMESPACE/ID', query)
    }
    if (namespace && id) {
      const exact = readTask(namespace, id)
      if (exact !== undefined) return exact
    }
    const all = await containerd.list()
    if (namespace && id)
      return choose(
        'containerd',
        all.filter(({ name }) => name.startsWith(`${namespace}/`)),
        id,
      )
    const named = all.filter((each) => each.id === namespace)
    if (named.length > 1)
      throw ambiguous(
        `containerd:${query}`,
        named.map(({ name }) => `containerd:${name}`),
      )
    return named[0] ?? choose('containerd', all, query)
  },
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** Undefined where there is no such task, or it is just being made or removed. */
function readTask(namespace: string, id: string): Container | undefined {
  const directory = `${TASKS}/${namespace}/${id}`
  try {
    const pid = Number(readFileSync(`${directory}/init.pid`, 'latin1'))
    const started = statSync(`${directory}/init.pid`, { bigint: true })
    const { process, annotations, linux } = JSON.parse(
      readFileSync(`${directory}/config.json`, 'utf8'),
    ) as Configuration
    return {
      engine: 'containerd',
      name: `${namespace}/${id}`,
      id,
      key: `${namespace}/${id}`,
      labels: annotations ?? {},
      environment: Object.fromEntries((process?.env ?? []).map(splitPair)),
      ...(process?.cwd && { workingDirectory: process.cwd }),
      status: existsSync(`/proc/${pid}`) ? 'running' : 'stopped',
      pid: existsSync(`/proc/${pid}`) ? pid : undefined,
      run: `${pid} ${started.ino} ${started.mtimeNs}`,
      cgroup: linux?.cgroupsPath === undefined ? undefined : lastPart(linux.cgroupsPath),
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** "/default/web", or for systemd "system.slice:cri-containerd:web": the last part is in the path either way. */
function lastPart(cgroupsPath: string): string {
  return cgroupsPath.split(/[/:]/).at(-1) ?? ''
}
