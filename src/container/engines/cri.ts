// Kubernetes' containers, from any runtime that speaks CRI on a unix socket (containerd, CRI-O): runtime.v1, over gRPC.
// https://github.com/kubernetes/cri-api. Containers are named POD/CONTAINER; the gRPC library is loaded when asked.
import { NsfdError } from '../../kernel/errors.js'
import { ambiguous, type Container, choose, type Engine, engineFailed, wordOf } from '../engine.js'
import {
  decodeMessage,
  encodeMessage,
  integer,
  type Message,
  messages,
  stringMap,
  submessage,
  text,
} from '../protobuf.js'
import { firstSocket, fromHostVariable, splitPair } from './docker.js'

const NAME = 'cri'
const SERVICE = '/runtime.v1.RuntimeService/'
const PATIENCE_MS = 10_000
const UNIMPLEMENTED = 12
const NOT_FOUND = 5
/** enum ContainerState */
const STATES = ['created', 'running', 'exited', 'unknown']
const RUNNING = 1n

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

type Ask = (method: string, request: Buffer) => Promise<Message>

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
  const { Client, credentials } = await import('@grpc/grpc-js')
  const client = new Client(`unix://${socket}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.enable_http_proxy': 0,
  })
  const ask: Ask = (method, request) =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + PATIENCE_MS
      const same = (bytes: Buffer) => bytes
      client.makeUnaryRequest(`${SERVICE}${method}`, same, decodeMessage, request, { deadline }, (error, answer) => {
        if (error?.code === UNIMPLEMENTED || error?.code === NOT_FOUND) resolve(new Map())
        else if (error || answer === undefined) {
          reject(engineFailed(NAME, `${error?.details ?? 'no answer'} (${method} on ${socket})`, error))
        } else resolve(answer)
      })
    })
  try {
    return await work(ask)
  } finally {
    client.close()
  }
}

type Listed = Container & { readonly pod: string; readonly podNamespace: string; readonly container: string }

async function listAll(ask: Ask): Promise<Listed[]> {
  const [pods, containers] = await Promise.all([
    ask('ListPodSandbox', Buffer.alloc(0)),
    ask('ListContainers', Buffer.alloc(0)),
  ])
  const podOf = new Map(messages(pods, 1).map((pod) => [text(pod, 1), submessage(pod, 2)]))
  return messages(containers, 1).map((each) => {
    const metadata = podOf.get(text(each, 2)) ?? new Map()
    const [pod, podNamespace] = [text(metadata, 1), text(metadata, 3)]
    const container = text(submessage(each, 3), 1)
    return {
      engine: NAME,
      id: text(each, 1),
      name: `${pod}/${container}`,
      pod,
      podNamespace,
      container,
      image: text(submessage(each, 4), 1),
      labels: stringMap(each, 8),
      status: STATES[Number(integer(each, 6))] ?? 'unknown',
      pid: undefined,
      run: '',
    }
  })
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
  const answer = await ask('ContainerStatus', encodeMessage({ 1: listed.id, 2: true }))
  const status = submessage(answer, 1)
  if (text(status, 1) === '') return undefined
  const running = integer(status, 3) === RUNNING
  const { pid, runtimeSpec } = parseInfo(stringMap(answer, 2).info)
  if (running && !pid) throw engineFailed(NAME, `it does not tell the process of ${wordOf(listed)}`)
  return {
    ...listed,
    status: STATES[Number(integer(status, 3))] ?? 'unknown',
    pid: running ? pid : undefined,
    run: `${integer(status, 5)} ${pid}`,
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
