// What every test of the context is held to afterwards: all threads at home, no descriptor of a namespace left open.
import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { afterEach } from 'node:test'
import { home } from './sites.js'

export function threadsAbroad(): string[] {
  return readdirSync('/proc/self/task').filter((task) => {
    const place = link(`/proc/self/task/${task}/ns/net`)
    return place !== undefined && place !== home.place
  })
}

/** Descriptors of net namespaces that are not home's. */
export function strangeDescriptors(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    const target = link(`/proc/self/fd/${fd}`) ?? ''
    return target.startsWith('net:[') && target !== home.place
  })
}

/** Call at the top of a test file. */
export function everyTestLeavesThreadsAtHome(): void {
  afterEach(() => assert.deepEqual(threadsAbroad(), [], 'threads left abroad'))
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(code ?? '')) return undefined // it ended while we looked
    throw error
  }
}
