// What every test of the context is held to afterwards: all threads at home.
import assert from 'node:assert/strict'
import { afterEach } from 'node:test'
import { threadsAbroad } from '../../support/state.js'

/** Call at the top of a test file. */
export function everyTestLeavesThreadsAtHome(): void {
  afterEach(() => assert.deepEqual(threadsAbroad(), [], 'threads left abroad'))
}
