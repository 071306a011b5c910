// A CRI runtime of the test's own, which answers as real ones do not: what nsfd makes of it, without any engine installed.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { listContainers, openTarget } from 'nsfd'

type Answers = Record<string, () => Uint8Array>

let folder: string
let server: Server

describe('a CRI runtime that', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nsfd-cri-'))
  })
  afterEach(() => {
    delete process.env.CONTAINER_RUNTIME_ENDPOINT
    server.forceShutdown()
    rmSync(folder, { recursive: true })
  })

  test('sends what is no message: ERR_NSFD_ENGINE, with the call and the socket', async () => {
    const socket = await serve({
      ListPodSandbox: () => new Uint8Array(),
      ListContainers: () => Buffer.from('ffffff', 'hex'),
    })
    await assert.rejects(openTarget('cri:web/app'), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ERR_NSFD_ENGINE')
      assert.match(error.message, new RegExp(`ListContainers on ${socket}`))
      return true
    })
  })

  test('says more than a kubelet takes: ERR_NSFD_ENGINE', async () => {
    await serve({ ListPodSandbox: () => new Uint8Array(), ListContainers: () => Buffer.alloc(17 * 1024 * 1024) })
    await assert.rejects(openTarget('cri:web/app'), { code: 'ERR_NSFD_ENGINE' })
  })

  test('has no CRI plugin: no containers', async () => {
    await serve({})
    assert.deepEqual(await listContainers(['cri']), { containers: [], failures: [] })
    await assert.rejects(openTarget('cri:web/app'), { code: 'ERR_NSFD_NO_SUCH_TARGET' })
  })

  test('leaves out what it may, and knows a state that nsfd does not: the container is listed', async () => {
    const id = Buffer.from('abc')
    const container = Buffer.concat([Buffer.from([0x0a, id.length]), id, Buffer.from([0x30, 9])])
    await serve({
      ListPodSandbox: () => new Uint8Array(),
      ListContainers: () => Buffer.concat([Buffer.from([0x0a, container.length]), container]),
    })
    const { containers, failures } = await listContainers(['cri'])
    assert.deepEqual(failures, [])
    assert.deepEqual(
      containers.map(({ id, name, status, pid }) => ({ id, name, status, pid })),
      [{ id: 'abc', name: '/', status: '9', pid: undefined }],
    )
  })
})

/** Serves those calls, and answers UNIMPLEMENTED to the rest. @returns the socket's path */
async function serve(answers: Answers): Promise<string> {
  const same = (bytes: Uint8Array) => Buffer.from(bytes)
  const method = (name: string) => ({
    path: `/runtime.v1.RuntimeService/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  })
  const names = ['ListPodSandbox', 'ListContainers', 'ContainerStatus']
  server = new Server({ 'grpc.max_send_message_length': -1 })
  server.addService(
    Object.fromEntries(names.map((name) => [name, method(name)])),
    Object.fromEntries(
      names.map((name) => [
        name,
        (_call: unknown, done: (error: object | null, answer?: Uint8Array) => void) => {
          const answer = answers[name]
          if (answer === undefined) done({ code: status.UNIMPLEMENTED, details: 'unknown service' })
          else done(null, answer())
        },
      ]),
    ),
  )
  const socket = join(folder, 'cri.sock')
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    )
  })
  process.env.CONTAINER_RUNTIME_ENDPOINT = `unix://${socket}`
  return socket
}
