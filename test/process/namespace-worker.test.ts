// A worker thread that lives in other namespaces: the kernel is asked where, from the worker's first line.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { Namespace, NamespaceWorker } from 'nsfd'
import { needs } from '../support/needs.js'
import { threadsAbroad } from '../support/state.js'

const WHERE = `const { readlinkSync } = require('node:fs'); const { parentPort, workerData } = require('node:worker_threads')
parentPort.postMessage({ places: workerData.map((kind) => readlinkSync('/proc/thread-self/ns/' + kind)), workerData })`

describe('NamespaceWorker', needs('admin'), () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'nsfd-worker-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const kinds of [['net'], ['uts'], ['mnt'], ['net', 'uts', 'ipc', 'cgroup', 'mnt']] as const) {
    test(`its thread lives in ${kinds.join(', ')}, and no other thread does`, async () => {
      const namespaces = kinds.map((kind) => Namespace.create(kind))
      const worker = new NamespaceWorker(WHERE, { namespaces, eval: true, workerData: kinds })
      const exited = once(worker, 'exit')
      const message = await first(worker)
      assert.deepEqual(message, { places: namespaces.map(String), workerData: [...kinds] })
      await exited
      assert.deepEqual(threadsAbroad(), [])
      for (const namespace of namespaces) namespace.close()
    })
  }

  test('a file as ESM and as CommonJS, with a mnt namespace and without', async () => {
    using net = Namespace.create('net')
    using mnt = Namespace.create('mnt')
    const esm = join(folder, 'w.mjs')
    writeFileSync(
      esm,
      `import { readlinkSync } from 'node:fs'; import { parentPort } from 'node:worker_threads'
       parentPort.postMessage(readlinkSync('/proc/thread-self/ns/net'))`,
    )
    const cjs = join(folder, 'w.cjs')
    writeFileSync(
      cjs,
      `require('node:worker_threads').parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self/ns/net'))`,
    )
    for (const file of [esm, cjs]) {
      for (const namespaces of [[net], [net, mnt]]) {
        const worker = new NamespaceWorker(file, { namespaces })
        assert.equal(await first(worker), String(net))
        await worker.terminate()
      }
    }
  })

  test('with a mnt namespace, asynchronous file calls are refused rather than done at home', async () => {
    using mnt = Namespace.create('mnt')
    const code = `const fs = require('node:fs'); const { parentPort } = require('node:worker_threads')
      const codes = []
      for (const call of [() => fs.readFile('/etc/hostname', () => {}), () => fs.promises.readFile('/etc/hostname')]) {
        try { call() } catch (error) { codes.push(error.code) }
      }
      parentPort.postMessage(codes)`
    const worker = new NamespaceWorker(code, { namespaces: [mnt], eval: true })
    assert.deepEqual(await first(worker), ['ERR_NSFD_POOL', 'ERR_NSFD_POOL'])
    await worker.terminate()
  })

  test('no code runs if the thread cannot be moved', async () => {
    const made = Namespace.create('net')
    const handle = `require('node:worker_threads').parentPort.postMessage('ran')`
    const worker = new NamespaceWorker(handle, {
      namespaces: [made],
      eval: true,
      execArgv: ['--no-warnings'],
    })
    assert.equal(await first(worker), 'ran')
    await worker.terminate()
    made.close()
    assert.throws(() => new NamespaceWorker(handle, { namespaces: [made], eval: true }), { code: 'ERR_NSFD_CLOSED' })
  })

  test('bad input', () => {
    using user = Namespace.create('user')
    using net = Namespace.create('net')
    const make = (namespaces: unknown) => () =>
      new NamespaceWorker('0', { namespaces: namespaces as never, eval: true })
    assert.throws(make([]), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(make(undefined), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(make([4]), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(make([net, net]), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(make([user]), { code: 'ERR_NSFD_SINGLE_THREADED' })
  })

  test('closing the Namespace right after starting does not harm, and nothing leaks', async () => {
    const before = readdirSync('/proc/self/fd').length
    for (let n = 0; n < 5; n++) {
      const net = Namespace.create('net')
      const place = String(net)
      const worker = new NamespaceWorker(WHERE, { namespaces: [net], eval: true, workerData: ['net'] })
      net.close()
      const exited = once(worker, 'exit')
      assert.deepEqual(await first(worker), { places: [place], workerData: ['net'] })
      await exited
    }
    assert.ok(readdirSync('/proc/self/fd').length <= before)
  })
})

function first(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
  })
}
