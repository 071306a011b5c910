// The soak: many mixed operations, after which the process and the machine hold exactly what they held before.
// NSFD_SOAK=200000 sets how many; `npm run test:soak` does that.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { Namespace } from 'nsfd'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { comesTrue } from '../support/sleeper.js'
import { held, threadsAbroad } from '../support/state.js'
import { listen, type Soak, schedule } from './operations.js'

const OPERATIONS = Number(process.env.NSFD_SOAK ?? 20_000)
const WARM_UP = 2000
const STANDING = 5
const AT_ONCE = 16
const CHECK_EVERY = 1000

test(`${OPERATIONS} mixed operations leave descriptors, namespaces, mounts and threads as they were, all at home`, {
  ...needs('admin', 'iproute2', 'handles'),
  timeout: 600_000,
}, async (t) => {
  const namespaces = Array.from({ length: STANDING }, () => Namespace.create('net'))
  for (const namespace of namespaces) loopbackUp(namespace)
  const listeners = await Promise.all(namespaces.map(listen))
  const standing = namespaces.map((namespace, i) => ({ namespace, port: listeners[i]?.port as number }))
  // A failed soak must end too: open listeners and held namespaces would keep its process alive.
  const closeAll = async () => {
    for (const listener of listeners.splice(0)) await listener.close()
    for (const namespace of namespaces) namespace.close()
  }
  t.after(closeAll)
  const soak: Soak = { standing, prefix: uniqueName('soak'), made: [] }

  await operate(soak, WARM_UP)
  const before = await settled()
  const started = performance.now()
  await operate(soak, OPERATIONS)
  t.diagnostic(`${Math.round((OPERATIONS / (performance.now() - started)) * 1000)} operations a second`)

  const after = await comesTrue(() => JSON.stringify(held()) === JSON.stringify(before) && held()).catch(held)
  assert.deepEqual(after, before)
  assert.deepEqual(threadsAbroad(), [])
  assert.ok(!Namespace.list().some(({ name }) => name.startsWith(soak.prefix)))
  assert.ok(soak.made.length >= OPERATIONS / 100)
  await comesTrue(() => living(soak.made).length === 0).catch(() => assert.deepEqual(living(soak.made), []))

  const last = namespaces.map((namespace) => namespace.handle())
  await closeAll()
  await comesTrue(() => living(last).length === 0).catch(() => assert.deepEqual(living(last), []))
})

async function operate(soak: Soak, count: number): Promise<void> {
  const pending = new Set<Promise<void>>()
  let turn = 0
  for (const operation of schedule(count)) {
    const done = operation(soak, turn++)
    if (done !== undefined) {
      const tracked: Promise<void> = done.finally(() => pending.delete(tracked))
      pending.add(tracked)
      if (pending.size >= AT_ONCE) await Promise.race(pending)
    }
    if (turn % CHECK_EVERY === 0) assert.deepEqual(threadsAbroad(), [])
  }
  await Promise.all(pending)
}

/** Servers' sides of closed connections take a turn of the event loop or two. */
async function settled() {
  await new Promise((resolve) => setTimeout(resolve, 300))
  return held()
}

function living(handles: string[]): string[] {
  return handles.filter((handle) => {
    try {
      Namespace.fromHandle(handle).close()
      return true
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESTALE')
      return false
    }
  })
}

function loopbackUp(namespace: Namespace): void {
  execFileSync('nsenter', [`--net=/proc/${process.pid}/fd/${namespace.fd}`, 'ip', 'link', 'set', 'lo', 'up'])
}
