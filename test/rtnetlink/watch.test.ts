// Watching: every change is told, or that some were lost; it ends at once; it keeps no process alive; it needs no thread.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Namespace } from 'nsfd'
import { Route, type RouteEvent } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'
import { inside } from './ip-view.js'
import { place } from './links.js'

const told = (event: RouteEvent): string => {
  if (event.type === 'overrun' || event.type === 'synced') return event.type
  const about = {
    link: () => event.type === 'link' && event.link.name,
    address: () => event.type === 'address' && event.address.address,
    route: () => event.type === 'route' && event.route.to,
    neighbour: () => event.type === 'neighbour' && event.neighbour.to,
    rule: () => event.type === 'rule' && event.rule.priority,
    nexthop: () => event.type === 'nexthop' && event.nexthop.id,
    nsid: () => event.type === 'nsid' && event.nsid,
  }[event.type]()
  return `${event.action} ${event.type} ${about}`
}

/** Reads until all that is expected has been told, in any order, or the time is up. */
async function until(watch: AsyncIterable<RouteEvent>, expected: string[]): Promise<string[]> {
  const missing = new Set(expected)
  const all: string[] = []
  for await (const event of watch) {
    all.push(told(event))
    missing.delete(told(event))
    if (missing.size === 0) break
  }
  return all
}

describe('watch', { ...needs('admin', 'iproute2'), timeout: 60_000 }, () => {
  everyTestEndsAtHome()

  it('tells what others do to links, addresses, routes, neighbours, rules, next hops and nsids', async () => {
    await using here = place()
    using far = Namespace.create('net')
    const groups = ['link', 'address', 'route', 'neighbour', 'rule', 'nexthop', 'nsid'] as const
    const watch = here.rt.watch({ groups: [...groups], keepAlive: true })
    const ip = (line: string) => inside(here.ns.fd, 'ip', ...line.split(' '))
    ip('link set lo up')
    ip('link add wa type veth peer name wb')
    ip('link set wa up')
    ip('link set wb up')
    ip('addr add 10.0.0.1/24 dev wa')
    ip('route add 10.5.0.0/16 via 10.0.0.2')
    ip('neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev wa')
    ip('rule add pref 77 lookup 99')
    ip('nexthop add id 5 blackhole')
    ip(`link add wx type veth peer name wy netns /proc/${process.pid}/fd/${far.fd}`)
    ip('nexthop del id 5')
    ip('rule del pref 77')
    ip('addr del 10.0.0.1/24 dev wa')
    ip('link del wa')
    await until(watch, [
      'new link wa',
      'new link wb',
      'new address 10.0.0.1',
      'new route 10.0.0.0/24',
      'new route 10.5.0.0/16',
      'new neighbour 10.0.0.9',
      'new rule 77',
      'new nexthop 5',
      'new nsid 0',
      'delete nexthop 5',
      'delete rule 77',
      'delete address 10.0.0.1',
      'delete route 10.0.0.0/24',
      'delete link wa',
      'delete link wb',
    ])
  })

  it('begins with all there is, if asked, and loses nothing in between', async () => {
    await using here = place()
    await here.rt.link.add({ name: 'old', kind: 'bridge' })
    const watch = here.rt.watch({ groups: ['link'], initial: true, keepAlive: true })
    const making = here.rt.link.add({ name: 'new', kind: 'bridge' })
    const all = await until(watch, ['new link lo', 'new link old', 'new link new', 'synced'])
    await making
    assert.ok(all.indexOf('new link old') < all.indexOf('synced'))
  })

  it('says so when events were lost, and then tells all there is', async () => {
    await using here = place()
    const watch = here.rt.watch({ groups: ['route'], keepAlive: true })
    // Nothing is read while this thread waits for ip.
    const lines = Array.from(
      { length: 30_000 },
      (_, i) => `route add blackhole 10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
    )
    const { writeFileSync, rmSync, mkdtempSync } = await import('node:fs')
    const { tmpdir } = await import('node:os')
    const directory = mkdtempSync(`${tmpdir()}/nsfd-watch-`)
    try {
      writeFileSync(`${directory}/batch`, lines.join('\n'))
      inside(here.ns.fd, 'ip', '-batch', `${directory}/batch`)
    } finally {
      rmSync(directory, { recursive: true })
    }
    const known = new Set<string>()
    let overruns = 0
    for await (const event of watch) {
      if (event.type === 'overrun') {
        overruns++
        known.clear()
      }
      if (event.type === 'route') known.add(event.route.to)
      if (event.type === 'synced') break
    }
    assert.ok(overruns > 0)
    assert.equal(known.size, 30_000)
  })

  it('of a hundred namespaces takes no thread, and each tells its own', async () => {
    const threads = () => readdirSync('/proc/self/task').length
    await using first = place()
    await first.rt.links() // the pool is there
    const before = threads()
    const places = Array.from({ length: 100 }, place)
    try {
      const watches = places.map(({ rt }) => rt.watch({ groups: ['link'], keepAlive: true }))
      assert.equal(threads(), before)
      await Promise.all(places.map(({ rt }, i) => rt.link.add({ name: `only${i}`, kind: 'bridge' })))
      const all = await Promise.all(watches.map((watch, i) => until(watch, [`new link only${i}`])))
      assert.deepEqual(
        all.map((each) => each[0]),
        places.map((_, i) => `new link only${i}`),
      )
    } finally {
      for (const each of places) await each[Symbol.asyncDispose]()
    }
  })

  it('ends at once when aborted, when the loop is left, and with its Route', async () => {
    await using here = place()
    const controller = new AbortController()
    const aborted = here.rt.watch({ signal: controller.signal, keepAlive: true }).next()
    controller.abort()
    await assert.rejects(aborted, { name: 'AbortError' })
    assert.throws(() => here.rt.watch({ signal: controller.signal }), { name: 'AbortError' })

    const left = here.rt.watch({ keepAlive: true })
    await left.return?.()
    assert.deepEqual(await left.next(), { done: true, value: undefined })

    const rt = Route.open(here.ns)
    const waiting = rt.watch({ keepAlive: true }).next()
    await rt.close()
    assert.deepEqual(await waiting, { done: true, value: undefined })
    await sleep(10)
  })

  it('refuses groups there are not', async () => {
    await using here = place()
    for (const groups of [[], ['links'], 'link', [5]]) {
      assert.throws(() => here.rt.watch({ groups: groups as never }), { code: 'ERR_INVALID_ARG_VALUE' })
    }
  })

  it('keeps no process alive unless asked', async () => {
    const program = new URL('./programs/watching.js', import.meta.url)
    const { code, signal, stdout } = await runProgram(program, { args: ['let-go'] })
    assert.deepEqual([code, signal, stdout], [0, null, 'watching\n'])
    const kept = await runProgram(program, { args: ['keep'] })
    assert.deepEqual([kept.code, kept.stdout], [0, 'watching\nstill here\n'])
  })
})
