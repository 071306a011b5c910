// The rule every test of a file is held to: all threads at home afterwards, no descriptor of a namespace left open.
import assert from 'node:assert/strict'
import { afterEach } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { strangeDescriptors, threadsAbroad } from './state.js'

/** The throwaway thread of create('mnt') and create('time') takes a moment to end; a thread left abroad stays. */
const PATIENCE_MS = 2000

/** Call once at the top of a test file. Descriptors of the process's own namespaces may stay: nsfd keeps those to come back. */
export function everyTestEndsAtHome(): void {
  afterEach(async () => {
    const deadline = Date.now() + PATIENCE_MS
    while (threadsAbroad().length > 0 && Date.now() < deadline) await sleep(5)
    assert.deepEqual(threadsAbroad(), [], 'threads left abroad')
    assert.deepEqual(strangeDescriptors(), [], 'descriptors of namespaces left open')
  })
}
