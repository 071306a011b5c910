// A pod of one container, made over CRI as a kubelet would. https://github.com/kubernetes/cri-api, runtime.v1
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { IMAGE } from './engines.js'

const SOCKET = 'unix:///run/containerd/containerd.sock'

const string = (id: number) => ({ type: 'string', id })
const message = (type: string, id: number) => ({ type, id })
const strings = (id: number) => ({ rule: 'repeated', type: 'string', id })

const MESSAGES = {
  PodSandboxMetadata: { name: string(1), uid: string(2), namespace: string(3) },
  PodSandboxConfig: { metadata: message('PodSandboxMetadata', 1), hostname: string(2), logDirectory: string(3) },
  RunPodSandboxRequest: { config: message('PodSandboxConfig', 1) },
  RunPodSandboxResponse: { podSandboxId: string(1) },
  PodSandboxRequest: { podSandboxId: string(1) },
  ContainerMetadata: { name: string(1) },
  ImageSpec: { image: string(1) },
  KeyValue: { key: string(1), value: string(2) },
  ContainerConfig: {
    metadata: message('ContainerMetadata', 1),
    image: message('ImageSpec', 2),
    command: strings(3),
    args: strings(4),
    envs: { rule: 'repeated', type: 'KeyValue', id: 6 },
    logPath: string(11),
  },
  CreateContainerRequest: {
    podSandboxId: string(1),
    config: message('ContainerConfig', 2),
    sandboxConfig: message('PodSandboxConfig', 3),
  },
  CreateContainerResponse: { containerId: string(1) },
  StartContainerRequest: { containerId: string(1) },
  Empty: {},
}

const METHODS = {
  RunPodSandbox: { requestType: 'RunPodSandboxRequest', responseType: 'RunPodSandboxResponse' },
  StopPodSandbox: { requestType: 'PodSandboxRequest', responseType: 'Empty' },
  RemovePodSandbox: { requestType: 'PodSandboxRequest', responseType: 'Empty' },
  CreateContainer: { requestType: 'CreateContainerRequest', responseType: 'CreateContainerResponse' },
  StartContainer: { requestType: 'StartContainerRequest', responseType: 'Empty' },
}

type Method = (request: object, done: (error: ServiceError | null, answer: Record<string, string>) => void) => void
type Runtime = Client & Record<keyof typeof METHODS, Method>

export async function criPod(pod: string, container: string): Promise<{ id: string; stop(): Promise<void> }> {
  const client = runtime()
  const call = (method: keyof typeof METHODS, request: object): Promise<Record<string, string>> =>
    new Promise((resolve, reject) => {
      client[method](request, (error, answer) => (error ? reject(error) : resolve(answer)))
    })
  const logDirectory = mkdtempSync(join(tmpdir(), 'nsfd-pod-'))
  const metadata = { name: pod, uid: `uid-${pod}`, namespace: 'default' }
  const sandboxConfig = { metadata, hostname: pod, logDirectory }
  const { podSandboxId } = await call('RunPodSandbox', { config: sandboxConfig })
  const stop = async () => {
    await call('StopPodSandbox', { podSandboxId })
    await call('RemovePodSandbox', { podSandboxId })
    client.close()
    rmSync(logDirectory, { recursive: true, force: true })
  }
  try {
    const config = {
      metadata: { name: container },
      image: { image: IMAGE },
      command: ['sleep'],
      args: ['1000000'],
      envs: [{ key: 'MARK', value: 'cri' }],
      logPath: `${container}.log`,
    }
    const { containerId = '' } = await call('CreateContainer', { podSandboxId, config, sandboxConfig })
    await call('StartContainer', { containerId })
    return { id: containerId, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function runtime(): Runtime {
  const types = Object.entries(MESSAGES).map(([name, fields]) => [name, { fields }])
  const nested = { ...Object.fromEntries(types), RuntimeService: { methods: METHODS } }
  const definition = fromJSON({ nested: { runtime: { nested: { v1: { nested } } } } })
  const loaded = loadPackageDefinition(definition) as unknown as {
    runtime: { v1: { RuntimeService: new (...args: ConstructorParameters<typeof Client>) => Runtime } }
  }
  return new loaded.runtime.v1.RuntimeService(SOCKET, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
  })
}
