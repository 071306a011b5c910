// Bad input and refusals: what can be known to be wrong never reaches the kernel; what the kernel refuses says why, and where.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Namespace } from 'nsfd'
import { Route, RouteError } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { place } from './links.js'

// biome-ignore lint/suspicious/noExplicitAny: what these are given is wrong on purpose
type Wrong = any

const NOT_SENT: [string, (rt: Route, ns: Namespace) => Promise<unknown>][] = [
  ['an empty name', (rt) => rt.link.add({ name: '', kind: 'bridge' })],
  ['a name of 16 bytes', (rt) => rt.link.add({ name: 'x'.repeat(16), kind: 'bridge' })],
  ['a name of 15 characters and more bytes', (rt) => rt.link.add({ name: 'ü'.repeat(8), kind: 'bridge' })],
  ['a name with a slash', (rt) => rt.link.add({ name: 'a/b', kind: 'bridge' })],
  ['a name with a colon', (rt) => rt.link.add({ name: 'a:b', kind: 'bridge' })],
  ['a name with a space', (rt) => rt.link.add({ name: 'a b', kind: 'bridge' })],
  ['a name with a newline', (rt) => rt.link.add({ name: 'a\n', kind: 'bridge' })],
  ['a name with NUL', (rt) => rt.link.add({ name: 'a\0b', kind: 'bridge' })],
  ['the name ..', (rt) => rt.link.add({ name: '..', kind: 'bridge' })],
  ['a name with %s', (rt) => rt.link.add({ name: 'a%s', kind: 'bridge' })],
  ['a name that is a number', (rt) => rt.link.add({ name: 7 as Wrong, kind: 'bridge' })],
  ['no kind', (rt) => rt.link.add({ name: 'x' } as Wrong)],
  ['a kind with a space', (rt) => rt.link.add({ name: 'x', kind: 'br idge' })],
  ['an option there is not', (rt) => rt.link.add({ name: 'x', kind: 'bridge', colour: 'red' } as Wrong)],
  ['an option of another kind', (rt) => rt.link.add({ name: 'x', kind: 'bridge', data: { id: 5 } as Wrong })],
  ['data for a kind without', (rt) => rt.link.add({ name: 'x', kind: 'ifb', data: { id: 5 } as Wrong })],
  ['a peer for a bridge', (rt) => rt.link.add({ name: 'x', kind: 'bridge', peer: {} } as Wrong)],
  ['addrGenMode of a new link', (rt) => rt.link.add({ name: 'x', kind: 'bridge', addrGenMode: 'none' } as Wrong)],
  ['an mtu below 0', (rt) => rt.link.add({ name: 'x', kind: 'bridge', mtu: -1 })],
  ['an mtu of 1.5', (rt) => rt.link.add({ name: 'x', kind: 'bridge', mtu: 1.5 })],
  ['an mtu beyond 32 bits', (rt) => rt.link.add({ name: 'x', kind: 'bridge', mtu: 2 ** 32 })],
  ['a MAC with a wrong digit', (rt) => rt.link.add({ name: 'x', kind: 'bridge', mac: '02:00:00:00:00:0g' })],
  ['a MAC with one digit', (rt) => rt.link.add({ name: 'x', kind: 'bridge', mac: '2:0:0:0:0:1' })],
  ['up that is 1', (rt) => rt.link.add({ name: 'x', kind: 'bridge', up: 1 as Wrong })],
  ['an alias of 256 bytes', (rt) => rt.link.set('lo', { alias: 'x'.repeat(256) })],
  ['a netns that is a number', (rt) => rt.link.set('lo', { netns: 5 as Wrong })],
  ['the pid 0', (rt) => rt.link.set('lo', { netns: { pid: 0 } })],
  ['the index 0', (rt) => rt.link.set(0, { up: true })],
  ['the index -1', (rt) => rt.link.delete(-1)],
  ['a link that is null', (rt) => rt.link.get(null as Wrong)],
  ['the group 0', (rt) => rt.link.delete({ group: 0 })],
  ['the group "1"', (rt) => rt.link.delete({ group: '1' as Wrong })],
  ['data without its kind', (rt) => rt.link.set('lo', { data: { ageingTime: 5 } })],
  ['a prefix of 33', (rt) => rt.address.add({ dev: 'lo', address: '10.0.0.1/33' })],
  ['a prefix of 129', (rt) => rt.address.add({ dev: 'lo', address: '::1/129' })],
  ['an address with a zone', (rt) => rt.address.add({ dev: 'lo', address: 'fe80::1%lo' })],
  ['an address of three parts', (rt) => rt.address.add({ dev: 'lo', address: '10.0.1' })],
  ['a name in place of an address', (rt) => rt.address.add({ dev: 'lo', address: 'localhost' })],
  ['an address without a link', (rt) => rt.address.add({ address: '10.0.0.1' } as Wrong)],
  ['a flag there is not', (rt) => rt.address.add({ dev: 'lo', address: '10.0.0.1', flags: ['fast' as Wrong] })],
  ['host bits in a route', (rt) => rt.route.add({ to: '10.0.0.1/24', dev: 'lo' })],
  ['a type of route there is not', (rt) => rt.route.add({ to: '10.0.0.0/8', type: 'wormhole' as Wrong })],
  ['a metric there is not', (rt) => rt.route.add({ to: '10.0.0.0/8', dev: 'lo', metrics: { speed: 1 } as Wrong })],
  ['no hops', (rt) => rt.route.add({ to: '10.0.0.0/8', hops: [] })],
  ['a weight of 0', (rt) => rt.route.add({ to: '10.0.0.0/8', hops: [{ via: '10.0.0.1', weight: 0 }] })],
  ['a neighbour without an address', (rt) => rt.neighbour.add({ dev: 'lo', mac: '02:00:00:00:00:01' })],
  ['a rule of two families', (rt) => rt.rule.add({ from: '10.0.0.0/8', to: '::/0' })],
  ['host bits in a rule', (rt) => rt.rule.add({ from: '10.0.0.1/8' })],
  ['the next hop 0', (rt) => rt.nexthop.add({ id: 0, blackhole: true })],
  ['a loss of 2', (rt) => rt.qdisc.add({ dev: 'lo', kind: 'netem', loss: 2 })],
  ['a handle that is none', (rt) => rt.qdisc.add({ dev: 'lo', kind: 'ingress', handle: 'x' })],
  [
    'both a limit and a latency',
    (rt) => rt.qdisc.add({ dev: 'lo', kind: 'tbf', rate: 1e6, burst: 1e4, limit: 1, latency: 1 }),
  ],
  ['the nsid -2', (rt, ns) => rt.nsid.set(ns, -2)],
  ['a nsid for what is no namespace', (rt) => rt.nsid.set(5 as Wrong)],
]

describe('refusals', needs('admin'), () => {
  everyTestEndsAtHome()

  for (const [what, ask] of NOT_SENT) {
    it(`${what} is refused before anything is sent`, async () => {
      await using here = place()
      await assert.rejects(
        async () => ask(here.rt, here.ns),
        (error: NodeJS.ErrnoException) => {
          assert.equal(error.code, 'ERR_INVALID_ARG_VALUE', error.message)
          assert.match(error.message, /^The argument \S+ (must|has|needs|or|may)/)
          return true
        },
      )
      assert.deepEqual(
        (await here.rt.links()).map(({ name }) => name),
        ['lo'],
      )
    })
  }

  it('a kind this kernel does not have is said to be missing, with the word of the kernel', async () => {
    await using here = place()
    await assert.rejects(here.rt.link.add({ name: 'x', kind: 'nosuchkind' }), (error: RouteError) => {
      assert.ok(error instanceof RouteError)
      assert.deepEqual([error.code, error.syscall, error.request], ['ENOTSUP', 'netlink', 'RTM_NEWLINK'])
      assert.equal(error.kernelMessage, 'Unknown device type')
      assert.match(error.message, /cannot add the nosuchkind link 'x'.*no module for links of kind 'nosuchkind'/)
      return true
    })
  })

  it('the attribute at fault is named, with those it is nested in', async () => {
    await using here = place()
    await assert.rejects(
      here.rt.link.add({ name: 'x', kind: 'vxlan', data: { id: 2 ** 24 } }),
      (error: RouteError) =>
        error.attribute === 'IFLA_LINKINFO.IFLA_INFO_DATA.IFLA_VXLAN_ID' &&
        /VXLAN ID must be lower/.test(error.kernelMessage ?? '') &&
        error.message.includes(error.attribute) &&
        error.code === 'ERANGE' &&
        error.errno === -34,
    )
  })

  it('an mtu the link cannot have is refused with the word of the kernel', async () => {
    await using here = place()
    await here.rt.link.add({ name: 'v', kind: 'veth', peer: { name: 'w' } })
    await assert.rejects(here.rt.link.set('v', { mtu: 70_000 }), { code: 'EINVAL', kernelMessage: /mtu greater than/ })
    await assert.rejects(here.rt.link.set('v', { mtu: 1 }), { code: 'EINVAL', kernelMessage: /mtu less than/ })
    await assert.rejects(here.rt.link.set('v', { mac: '01:00:00:00:00:01' }), { code: 'EADDRNOTAVAIL' })
    await assert.rejects(here.rt.link.set('v', { mac: '02:00' }), RouteError)
  })

  it('a name that is taken, a link that is not there, an index that vanished: each by its code', async () => {
    await using here = place()
    const { rt } = here
    const { index } = await rt.link.add({ name: 'v', kind: 'veth', peer: { name: 'w' } })
    await assert.rejects(rt.link.add({ name: 'v', kind: 'bridge' }), { code: 'EEXIST' })
    await assert.rejects(rt.link.set('w', { name: 'v' }), { code: 'EEXIST' })
    await rt.link.delete(index)
    for (const gone of [index, 'v', 'w']) {
      await assert.rejects(rt.link.get(gone), { code: 'ENODEV' })
      await assert.rejects(rt.link.set(gone, { up: true }), { code: 'ENODEV' })
      await assert.rejects(rt.link.delete(gone), { code: 'ENODEV' })
      await assert.rejects(rt.address.add({ dev: gone, address: '10.0.0.1/24' }), { code: 'ENODEV' })
    }
    await assert.rejects(rt.link.set('lo', { master: 'v' }), { code: 'ENODEV' })
    await assert.rejects(rt.link.delete('lo'), { code: 'ENOTSUP' })
  })

  it('a closed namespace is refused, and one closed in mid-flight still gets what was sent to it', async () => {
    await using here = place()
    const far = Namespace.create('net')
    const watcher = far.clone()
    const adding = here.rt.link.add({ name: 'a', kind: 'veth', peer: { name: 'b', netns: far } })
    far.close() // its descriptor stays open until the request that carries it is done
    await adding
    await using there = Route.open(watcher)
    assert.equal((await there.link.get('b')).name, 'b')
    watcher.close()
    await assert.rejects(async () => here.rt.link.set('a', { netns: far }), { code: 'ERR_NSFD_CLOSED' })
    assert.throws(() => Route.open(far), { code: 'ERR_NSFD_CLOSED' })
  })

  it('a namespace of another kind is refused', async () => {
    await using here = place()
    using uts = Namespace.create('uts')
    await assert.rejects(async () => here.rt.link.set('lo', { netns: uts }), { code: 'ERR_NSFD_WRONG_KIND' })
    await assert.rejects(async () => here.rt.nsid.set(uts), { code: 'ERR_NSFD_WRONG_KIND' })
    assert.throws(() => Route.open(uts), { code: 'ERR_NSFD_WRONG_KIND' })
  })

  it('a Route that is closed says so; what is under way when it is closed is finished or refused', async () => {
    const here = place()
    const all = Array.from({ length: 50 }, () => here.rt.links())
    const closing = here.rt.close()
    const outcomes = await Promise.allSettled([...all, closing])
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'ERR_NSFD_CLOSED')
    }
    await assert.rejects(here.rt.links(), { code: 'ERR_NSFD_CLOSED' })
    await assert.rejects(
      here.rt.batch((b) => b.link.delete('x')),
      { code: 'ERR_NSFD_CLOSED' },
    )
    assert.throws(() => here.rt.watch(), { code: 'ERR_NSFD_CLOSED' })
    await here.rt.close()
    here.ns.close()
  })

  it('without CAP_NET_ADMIN over it, reading works and writing is EPERM with what to try', needs('root'), async () => {
    using home = Namespace.current('net')
    await using rt = Route.open(home)
    assert.ok((await rt.links()).length > 0)
    const { runProgram } = await import('../support/program.js')
    const { stdout, stderr } = await runProgram(new URL('./programs/unprivileged.js', import.meta.url))
    assert.equal(stdout.trim(), 'lo EPERM', stderr)
  })
})
