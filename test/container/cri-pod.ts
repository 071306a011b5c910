// A pod of one container, made over CRI as a kubelet would. https://github.com/kubernetes/cri-api, runtime.v1
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { decodeMessage, encodeMessage, type Message, text } from '#dist/container/protobuf.js'
import { IMAGE } from './engines.js'

const SOCKET = 'unix:///run/containerd/containerd.sock'

export async function criPod(pod: string, container: string): Promise<{ id: string; stop(): Promise<void> }> {
  const client = new Client(SOCKET, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' })
  const call = (method: string, request: Buffer): Promise<Message> =>
    new Promise((resolve, reject) => {
      const same = (bytes: Buffer) => bytes
      client.makeUnaryRequest(`/runtime.v1.RuntimeService/${method}`, same, decodeMessage, request, (error, answer) =>
        error || answer === undefined ? reject(error) : resolve(answer),
      )
    })
  const metadata = encodeMessage({ 1: pod, 2: `uid-${pod}`, 3: 'default' })
  const logs = mkdtempSync(join(tmpdir(), 'nsfd-pod-'))
  const podConfig = encodeMessage({ 1: metadata, 2: pod, 3: logs })
  const podId = text(await call('RunPodSandbox', encodeMessage({ 1: podConfig })), 1)
  const stop = async () => {
    await call('StopPodSandbox', encodeMessage({ 1: podId }))
    await call('RemovePodSandbox', encodeMessage({ 1: podId }))
    client.close()
    rmSync(logs, { recursive: true, force: true })
  }
  try {
    const config = Buffer.concat([
      encodeMessage({ 1: encodeMessage({ 1: container }), 2: encodeMessage({ 1: IMAGE }), 3: 'sleep' }),
      encodeMessage({ 4: '1000000', 6: encodeMessage({ 1: 'MARK', 2: 'cri' }), 11: `${container}.log` }),
    ])
    const id = text(await call('CreateContainer', encodeMessage({ 1: podId, 2: config, 3: podConfig })), 1)
    await call('StartContainer', encodeMessage({ 1: id }))
    return { id, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
