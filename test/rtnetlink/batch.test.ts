// Batches and wires: many operations in few sends, each with its answer; all or nothing where that was asked.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Namespace } from 'nsfd'
import { BatchError, type Route, wire } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { ipJson, type Json } from './ip-view.js'
import { place } from './links.js'

const names = async (rt: Route) => (await rt.links()).map(({ name }) => name).sort()

describe('a batch', needs('admin', 'iproute2'), () => {
  everyTestEndsAtHome()

  it('does all, and what it makes can be used by what follows', async () => {
    await using here = place()
    const { ok, items } = await here.rt.batch((b) => {
      b.link.add({ name: 'br', kind: 'bridge', up: true })
      for (let i = 0; i < 100; i++) {
        b.link.add({ name: `v${i}`, kind: 'veth', master: 'br', up: true, peer: { name: `w${i}` } })
        b.address.add({ dev: `w${i}`, address: `10.1.${i}.1/24` })
      }
      b.route.add({ to: '10.9.0.0/16', type: 'blackhole' })
    })
    assert.ok(ok)
    assert.equal(items.length, 202)
    const links = ipJson(here.ns.fd, 'ip', 'link')
    assert.equal(links.length, 202)
    assert.equal(links.filter(({ master }) => master === 'br').length, 100)
    const addresses = ipJson(here.ns.fd, 'ip', '-4', 'addr').flatMap(({ addr_info }) => addr_info as unknown[])
    assert.equal(addresses.length, 100)
  })

  it('goes on after a failure, and tells each with what was asked', async () => {
    await using here = place()
    const { ok, items, failures } = await here.rt.batch((b) => {
      b.link.add({ name: 'a', kind: 'bridge' })
      b.link.add({ name: 'a', kind: 'bridge' })
      b.address.add({ dev: 'nope', address: '10.0.0.1/24' })
      b.link.add({ name: 'z', kind: 'bridge' })
    })
    assert.equal(ok, false)
    assert.deepEqual(
      items.map(({ status }) => status),
      ['done', 'failed', 'failed', 'done'],
    )
    assert.deepEqual(
      failures.map(({ asked, error }) => [asked, (error as NodeJS.ErrnoException).code]),
      [
        ["add the bridge link 'a'", 'EEXIST'],
        ["add the address 10.0.0.1/24 on the link 'nope'", 'ENODEV'],
      ],
    )
    assert.deepEqual(await names(here.rt), ['a', 'lo', 'z'])
  })

  it('that is atomic undoes everything in reverse, changes to links too', async () => {
    await using here = place()
    const { rt } = here
    // Addresses that IPv6 makes by itself, and a link that is still coming up, would change on their own.
    here.ns.runSync(() => writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1'))
    await rt.link.add({ name: 'old', kind: 'veth', up: true, mtu: 1300, peer: { name: 'far', up: true } })
    const look = () => ['link', 'addr', 'rule'].map((what) => stable(ipJson(here.ns.fd, 'ip', what)))
    const isUp = () => !JSON.stringify(look()).includes('"UNKNOWN"')
    for (let tries = 0; tries < 50 && !isUp(); tries++) await sleep(20)
    const before = look()
    const failing = rt.batch(
      (b) => {
        b.link.add({ name: 'br', kind: 'bridge' })
        b.link.set('old', { name: 'new', mtu: 1200, alias: 'x', group: 9, master: 'br' })
        b.address.add({ dev: 'far', address: '10.0.0.1/24' })
        b.rule.add({ priority: 77, table: 99 })
        b.route.add({ to: '10.0.0.0/8', via: '192.0.2.1' })
      },
      { atomic: true },
    )
    await assert.rejects(failing, (error: BatchError) => {
      assert.ok(error instanceof BatchError)
      assert.equal(error.code, 'ENETUNREACH')
      assert.deepEqual(error.undoFailures, [])
      assert.deepEqual(
        error.result.items.map(({ status }) => status),
        ['undone', 'undone', 'undone', 'undone', 'failed'],
      )
      return true
    })
    for (let tries = 0; tries < 50 && !isDeepStrictEqual(look(), before); tries++) await sleep(20)
    assert.deepEqual(look(), before)
  })

  it('that is atomic refuses what could not be undone, and then does nothing', async () => {
    await using here = place()
    const asked = here.rt.batch(
      (b) => {
        b.link.add({ name: 'br', kind: 'bridge' })
        b.link.delete('lo')
      },
      { atomic: true },
    )
    await assert.rejects(asked, { code: 'ERR_NSFD_CANNOT_UNDO' })
    assert.deepEqual(await names(here.rt), ['lo'])
  })

  it('with one wrong argument sends nothing, and is not built by an async function', async () => {
    await using here = place()
    const wrong = here.rt.batch((b) => {
      b.link.add({ name: 'br', kind: 'bridge' })
      b.address.add({ dev: 'br', address: 'nonsense' })
    })
    await assert.rejects(wrong, { code: 'ERR_INVALID_ARG_VALUE' })
    await assert.rejects(here.rt.batch((async () => {}) as never), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.deepEqual(await names(here.rt), ['lo'])
  })

  it('larger than every buffer loses no answer', async () => {
    await using here = place()
    const { items } = await here.rt.batch((b) => {
      for (let i = 0; i < 30_000; i++)
        b.address.delete({ dev: 'lo', address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` })
    })
    assert.ok(items.every(({ error }) => (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL'))
  })

  it('deletes many links by their group at once', async () => {
    await using here = place()
    await here.rt.batch((b) => {
      for (let i = 0; i < 40; i++)
        b.link.add({ name: `v${i}`, kind: 'veth', group: i < 30 ? 7 : 8, peer: { name: `w${i}` } })
    })
    await here.rt.link.delete({ group: 7 })
    assert.equal((await here.rt.links()).length, 1 + 2 * 10)
  })
})

describe('wire', needs('admin', 'iproute2'), () => {
  everyTestEndsAtHome()

  it('joins two namespaces: both ends up, with their addresses, and packets pass', async () => {
    await using red = place()
    await using blue = place()
    const addresses: [string, string[]] = ['10.0.0.1/24', ['10.0.0.2/24', '2001:db8::2/64']]
    const { ends } = await wire(red.ns, blue.ns, { names: ['r', 'b'], addresses, mtu: 1400, group: 5 })
    for (const [i, { ns, rt }] of [red, blue].entries()) {
      const link = await rt.link.get(ends[i]?.name as string)
      assert.deepEqual(
        [link.index, link.up, link.operState, link.mtu, link.group],
        [ends[i]?.index, true, 'UP', 1400, 5],
      )
      const [shown] = ipJson(ns.fd, 'ip', 'addr', 'show', 'dev', link.name)
      const seen = ((shown as Json).addr_info as { local: string; prefixlen: number }[]).map(
        (a) => `${a.local}/${a.prefixlen}`,
      )
      const wanted = [addresses[i] as string | string[]].flat()
      assert.deepEqual(
        wanted.filter((each) => !seen.includes(each)),
        [],
      )
    }
    const server = blue.ns.run(() => createServer((socket) => socket.end('through the wire')).listen(7, '10.0.0.2'))
    try {
      await once(server, 'listening')
      const [text] = await once(
        red.ns.run(() => connect(7, '10.0.0.2')),
        'data',
      )
      assert.equal(String(text), 'through the wire')
    } finally {
      server.close()
    }
  })

  it('leaves nothing if an address is refused, in either namespace', async () => {
    await using red = place()
    await using blue = place()
    await blue.rt.link.set('lo', { up: true })
    const twice = ['10.0.0.1/24', '10.0.0.1/24']
    for (const addresses of [
      [twice, undefined],
      [undefined, twice],
    ] as [string[] | undefined, string[] | undefined][]) {
      await assert.rejects(wire(red.ns, blue.ns, { addresses }), { code: 'EEXIST' })
      assert.deepEqual([await names(red.rt), await names(blue.rt)], [['lo'], ['lo']])
    }
  })

  it('refuses a name that is taken at either end, and leaves the other namespace as it was', async () => {
    await using red = place()
    await using blue = place()
    await blue.rt.link.add({ name: 'eth0', kind: 'bridge' })
    await assert.rejects(wire(red.ns, blue.ns, { names: ['eth0', 'eth0'] }), { code: 'EEXIST' })
    assert.deepEqual(await names(red.rt), ['lo'])
  })

  it('finds the far namespace of a veth again, among those it is given', async () => {
    await using red = place()
    await using blue = place()
    using other = Namespace.create('net')
    await wire(red.rt, blue.ns, { names: ['r', 'b'] })
    const [, r] = await red.rt.links({ resolve: [other, blue.ns] })
    assert.ok(r?.netns?.equals(blue.ns))
    assert.equal(r?.linkNsid, await red.rt.nsid.get(blue.ns))
    assert.equal(await red.rt.nsid.get(other), undefined)
    await red.rt.nsid.set(other, 4242)
    assert.equal(await red.rt.nsid.get(other), 4242)
    assert.deepEqual((await red.rt.nsids()).sort(), [r?.linkNsid, 4242])
    await assert.rejects(red.rt.nsid.set(other, 4243), { code: 'EEXIST' })
  })
})

function stable(links: Record<string, unknown>[]): unknown {
  return JSON.parse(JSON.stringify(links, (key, value) => (/stats|timer|qdisc/.test(key) ? undefined : value)))
}
