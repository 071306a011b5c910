// close(): gives back what socketat() made, and refuses what is no descriptor before the kernel sees it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { AF_INET, close, Namespace, SOCK_STREAM, socketat } from 'nsfd'
import { needs } from '../support/needs.js'

const isOpen = (fd: number) => existsSync(`/proc/self/fd/${fd}`)

test('close() refuses what is no descriptor', () => {
  for (const bad of [-1, 1.5, Number.NaN, 2 ** 31, '3', undefined, null]) {
    assert.throws(() => close(bad as number), { code: 'ERR_INVALID_ARG_VALUE' }, String(bad))
  }
})

test('close() of a socket of socketat() leaves no descriptor, and a second one says EBADF', needs('admin'), () => {
  using here = Namespace.current('net')
  const fd = socketat(here, AF_INET, SOCK_STREAM)
  assert.ok(isOpen(fd))
  close(fd)
  assert.ok(!isOpen(fd))
  assert.throws(() => close(fd), { code: 'EBADF', syscall: 'close' })
})

test('close() on a Worker does not make Node warn about a descriptor it never opened', needs('admin'), async () => {
  const program = `
    const warnings = []
    process.on('warning', (warning) => warnings.push(warning.message))
    import('nsfd').then(({ AF_INET, close, Namespace, SOCK_STREAM, socketat }) => {
      const here = Namespace.current('net')
      close(socketat(here, AF_INET, SOCK_STREAM))
      here.close()
      setImmediate(() => require('node:worker_threads').parentPort.postMessage(warnings))
    })`
  const worker = new Worker(program, { eval: true })
  const [warnings] = await once(worker, 'message')
  assert.deepEqual(warnings, [])
  await worker.terminate()
})
