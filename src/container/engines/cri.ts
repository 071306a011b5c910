// Kubernetes' containers, from any runtime that speaks CRI on a unix socket (containerd, CRI-O): runtime.v1, over gRPC.
// https://github.com/kubernetes/cri-api. Containers are named POD/CONTAINER; the gRPC library is loaded when asked.
import { NsfdError } from '../../kernel/errors.js'
import { ambiguous, type Container, choose, type Engine, engineFailed, wordOf } from '../engine.js'
import { type Call, type Calls, type ContainerState, criClient } from './cri-service.js'
import { firstSocket, fromHostVariable, splitPair } from './docker.js'

const NAME = 'cri'
const PATIENCE_MS = 10_000
const UNIMPLEMENTED = 12
const NOT_FOUND = 5

/** What containerd and CRI-O tell beyond CRI, as JSON, when asked to be verbose. */
type Info = {
  pid?: number
  runtimeSpec?: { process?: { env?: string[]; cwd?: string }; linux?: { cgroupsPath?: string } }
}

export const cri: Engine = {
  name: NAME,
  present: () => criSocket() !== undefined,
  list: () => asking(listAll),
  find: (query) =>
    asking(async (ask) => {
      const chosen = chooseByWord(await listAll(ask), query)
      return chosen && withProcess(ask, chosen)
    }),
}

type Ask = <C extends Call>(call: C, request: Calls[C]['request']) => Promise<Partial<Calls[C]['response']>>

function criSocket(): string | undefined {
  return firstSocket([
    fromHostVariable(process.env.CONTAINER_RUNTIME_ENDPOINT),
    '/run/crio/crio.sock',
    '/run/containerd/containerd.sock',
    '/run/cri-dockerd.sock',
  ])
}

/** One connection for the questions of one call. A containerd without its CRI plugin has no containers of that kind. */
async function asking<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
  const socket = criSocket() ?? '/run/containerd/containerd.sock'
  const client = await criClient(socket)
  const ask: Ask = (call, request) =>
    new Promise((resolve, reject) => {
      client[call](request, { deadline: Date.now() + PATIENCE_MS }, (error, answer) => {
        if (error?.code === UNIMPLEMENTED || error?.code === NOT_FOUND) resolve({})
        else if (error) reject(engineFailed(NAME, `${error.details} (${call} on ${socket})`, error))
        else resolve(answer)
      })
    })
  try {
    return await work(ask)
  } finally {
    client.close()
  }
}

type Listed = Container & { readonly pod: string; readonly podNamespace: string }

async function listAll(ask: Ask): Promise<Listed[]> {
  const [{ items: pods = [] }, { containers = [] }] = await Promise.all([
    ask('ListPodSandbox', {}),
    ask('ListContainers', {}),
  ])
  const podOf = new Map(pods.map(({ id, metadata }) => [id, metadata]))
  return containers.map(({ id, podSandboxId, metadata, image, state, labels }) => {
    const { name: pod = '', namespace: podNamespace = '' } = podOf.get(podSandboxId) ?? {}
    return {
      engine: NAME,
      id,
      name: `${pod}/${metadata?.name ?? ''}`,
      pod,
      podNamespace,
      image: image?.image ?? '',
      labels,
      status: wordFor(state),
      pid: undefined,
      run: '',
    }
  })
}

/** CONTAINER_RUNNING is 'running', as with every engine. A state that is newer than nsfd arrives as a number. */
function wordFor(state: ContainerState | number): string {
  return String(state).replace('CONTAINER_', '').toLowerCase()
}

/** POD/CONTAINER means the one that runs: a container that was restarted leaves earlier ones of its name behind. */
function chooseByWord(all: Listed[], query: string): Listed | undefined {
  const named = all.filter(({ name, podNamespace }) => name === query || `${podNamespace}/${name}` === query)
  const running = named.filter(({ status }) => status === 'running')
  const [match, ...others] = running.length > 0 ? running : named
  if (others.length > 0 && match !== undefined) {
    throw ambiguous(
      `${NAME}:${query}`,
      [match, ...others].map((each) => `${wordOf(each)} of ${each.podNamespace}`),
    )
  }
  return match ?? (choose(NAME, all, query) as Listed | undefined)
}

async function withProcess(ask: Ask, listed: Listed): Promise<Container | undefined> {
  const { status, info = {} } = await ask('ContainerStatus', { containerId: listed.id, verbose: true })
  if (!status) return undefined
  const running = status.state === 'CONTAINER_RUNNING'
  const { pid, runtimeSpec } = parseInfo(info.info)
  if (running && !pid) throw engineFailed(NAME, `it does not tell the process of ${wordOf(listed)}`)
  return {
    ...listed,
    status: wordFor(status.state),
    pid: running ? pid : undefined,
    run: `${status.startedAt} ${pid}`,
    cgroup: listed.id,
    environment: Object.fromEntries((runtimeSpec?.process?.env ?? []).map(splitPair)),
    ...(runtimeSpec?.process?.cwd && { workingDirectory: runtimeSpec.process.cwd }),
  }
}

function parseInfo(json: string | undefined): Info {
  if (json === undefined) return {}
  try {
    return JSON.parse(json) as Info
  } catch (cause) {
    throw new NsfdError(`${NAME} answers with something that is not JSON`, { code: 'ERR_NSFD_ENGINE', cause })
  }
}
