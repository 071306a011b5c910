// What nsfd asks of a CRI runtime: the part of runtime.v1.RuntimeService that tells containers, as a gRPC client.
// https://github.com/kubernetes/cri-api, pkg/apis/runtime/v1/api.proto; field numbers are from there.
import type { Client, ServiceError } from '@grpc/grpc-js'

/** A message of fields: `name: [number, type]`; a type that ends in [] is repeated, and {} is a map of strings. */
type Fields = Readonly<Record<string, readonly [number, string]>>

const MESSAGES: Readonly<Record<string, Fields>> = {
  ListPodSandboxRequest: {},
  ListPodSandboxResponse: { items: [1, 'PodSandbox[]'] },
  PodSandbox: { id: [1, 'string'], metadata: [2, 'PodSandboxMetadata'] },
  PodSandboxMetadata: { name: [1, 'string'], namespace: [3, 'string'] },
  ListContainersRequest: {},
  ListContainersResponse: { containers: [1, 'Container[]'] },
  Container: {
    id: [1, 'string'],
    podSandboxId: [2, 'string'],
    metadata: [3, 'ContainerMetadata'],
    image: [4, 'ImageSpec'],
    state: [6, 'ContainerState'],
    labels: [8, '{}'],
  },
  ContainerMetadata: { name: [1, 'string'] },
  ImageSpec: { image: [1, 'string'] },
  ContainerStatusRequest: { containerId: [1, 'string'], verbose: [2, 'bool'] },
  ContainerStatusResponse: { status: [1, 'ContainerStatus'], info: [2, '{}'] },
  ContainerStatus: { id: [1, 'string'], state: [3, 'ContainerState'], startedAt: [5, 'int64'] },
}

const CONTAINER_STATES = { CONTAINER_CREATED: 0, CONTAINER_RUNNING: 1, CONTAINER_EXITED: 2, CONTAINER_UNKNOWN: 3 }

/** What a kubelet allows. */
const MOST_BYTES = 16 * 1024 * 1024

export type ContainerState = keyof typeof CONTAINER_STATES

/** What each call takes and gives; a message that was not sent is null, a string that was not is ''. */
export type Calls = {
  ListPodSandbox: {
    request: Record<never, never>
    response: { items: { id: string; metadata: { name: string; namespace: string } | null }[] }
  }
  ListContainers: {
    request: Record<never, never>
    response: {
      containers: {
        id: string
        podSandboxId: string
        metadata: { name: string } | null
        image: { image: string } | null
        state: ContainerState
        labels: Record<string, string>
      }[]
    }
  }
  ContainerStatus: {
    request: { containerId: string; verbose: boolean }
    response: {
      status: { id: string; state: ContainerState; startedAt: string } | null
      info: Record<string, string>
    }
  }
}

export type Call = keyof Calls
type Method = (
  request: object,
  options: { deadline: number },
  done: (error: ServiceError | null, answer: never) => void,
) => void

/** A client of the runtime behind a unix socket. The gRPC libraries are loaded here, when somebody asks. */
export async function criClient(socket: string): Promise<Client & Record<Call, Method>> {
  const [{ credentials, loadPackageDefinition }, { fromJSON }] = await Promise.all([
    import('@grpc/grpc-js'),
    import('@grpc/proto-loader'),
  ])
  const definition = fromJSON(description(), {
    longs: String,
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
  })
  const { runtime } = loadPackageDefinition(definition) as unknown as Loaded
  return new runtime.v1.RuntimeService(`unix://${socket}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.enable_http_proxy': 0,
    'grpc.max_receive_message_length': MOST_BYTES,
  })
}

type Loaded = {
  runtime: {
    v1: { RuntimeService: new (...args: ConstructorParameters<typeof Client>) => Client & Record<Call, Method> }
  }
}

/** The same as protobuf.js describes it. */
function description() {
  const calls: Call[] = ['ListPodSandbox', 'ListContainers', 'ContainerStatus']
  const types = Object.entries(MESSAGES).map(([name, fields]) => [
    name,
    { fields: Object.fromEntries(Object.entries(fields).map(([field, [id, type]]) => [field, describe(id, type)])) },
  ])
  const methods = calls.map((name) => [name, { requestType: `${name}Request`, responseType: `${name}Response` }])
  const nested = {
    ...Object.fromEntries(types),
    ContainerState: { values: CONTAINER_STATES },
    RuntimeService: { methods: Object.fromEntries(methods) },
  }
  return { nested: { runtime: { nested: { v1: { nested } } } } }
}

function describe(id: number, type: string) {
  if (type === '{}') return { keyType: 'string', type: 'string', id }
  return type.endsWith('[]') ? { rule: 'repeated', type: type.slice(0, -2), id } : { type, id }
}
