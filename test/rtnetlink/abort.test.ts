// Lists that are given up: the promise is rejected at once, nothing of it stays, and the Route goes on as before.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import type { ListOptions, Route } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { place } from './links.js'

const LISTS: Readonly<Record<string, (rt: Route, options: ListOptions) => Promise<unknown[]>>> = {
  links: (rt, options) => rt.links(options),
  addresses: (rt, options) => rt.addresses(options),
  routes: (rt, options) => rt.routes(options),
  neighbours: (rt, options) => rt.neighbours(options),
  rules: (rt, options) => rt.rules(options),
  nexthops: (rt, options) => rt.nexthops(options),
  qdiscs: (rt, options) => rt.qdiscs(options),
  classes: (rt, options) => rt.classes('lo', options),
  bridgeVlans: (rt, options) => rt.bridgeVlans(options),
  nsids: (rt, options) => rt.nsids(options),
}

const reason = new Error('enough')
const aborted = (error: Error & { code: string }) => {
  assert.equal(error.name, 'AbortError')
  assert.equal(error.code, 'ABORT_ERR')
  assert.equal(error.cause, reason)
  return true
}

describe('a list', needs('admin'), () => {
  everyTestEndsAtHome()

  for (const [what, list] of Object.entries(LISTS)) {
    it(`of ${what} ends when its signal does, before, while it waits and while it runs`, async () => {
      await using here = place()
      await assert.rejects(list(here.rt, { signal: AbortSignal.abort(reason) }), aborted)
      for (const wait of [undefined, () => Promise.resolve(), () => new Promise(setImmediate)]) {
        const controller = new AbortController()
        const first = list(here.rt, { signal: controller.signal })
        const second = list(here.rt, {})
        const ended = first.then(
          () => 'done' as const,
          (error) => aborted(error) && ('aborted' as const),
        )
        if (wait !== undefined) await wait()
        controller.abort(reason)
        const how = await ended
        // It may have been done before the event loop came round to the abort; a list that waits never is.
        if (wait === undefined) assert.equal(how, 'aborted')
        assert.deepEqual(await second, await list(here.rt, {}), 'others go on')
        assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
      }
    })
  }

  it('that ran to its end leaves no listener on its signal, and a later abort changes nothing', async () => {
    await using here = place()
    const controller = new AbortController()
    for (let i = 0; i < 20; i++) await here.rt.links({ signal: controller.signal })
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    controller.abort()
    assert.equal((await here.rt.links()).length, 1)
  })

  it('of many links given up in the middle is not waited for, and the next one is whole', async () => {
    await using here = place()
    await here.rt.batch((b) => {
      for (let i = 0; i < 200; i++) b.link.add({ name: `b${i}`, kind: 'bridge', group: 7 })
    })
    const whole = await here.rt.links()
    for (let delay = 0; delay < 8; delay++) {
      const controller = new AbortController()
      const list = here.rt.links({ signal: controller.signal })
      setTimeout(() => controller.abort(reason), delay)
      await list.then(
        (links) => assert.equal(links.length, whole.length),
        (error) => aborted(error),
      )
      assert.equal((await here.rt.links()).length, whole.length)
    }
    await here.rt.link.delete({ group: 7 })
  })

  it('that nobody waits for any more does not keep the Route from closing', async () => {
    const here = place()
    const controller = new AbortController()
    const list = here.rt.links({ signal: controller.signal })
    queueMicrotask(() => controller.abort(reason))
    await assert.rejects(list, aborted)
    await here[Symbol.asyncDispose]()
    assert.ok(here.rt.closed)
  })
})
