// VLANs of a bridge's ports: ours told by bridge(8), its by us, in batches and undone. Skipped in the kernel's words where it
// was built without CONFIG_BRIDGE_VLAN_FILTERING; what needs none of it is tried everywhere.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchError, type Route, type RouteError } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { makeAndCompare } from './beside-ip.js'
import { inside } from './ip-view.js'
import { place } from './links.js'

const PORTS = ['p0', 'p1'] as const
const MACS: Readonly<Record<string, string>> = {
  br0: '02:00:00:00:00:01',
  p0: '02:00:00:00:00:02',
  p1: '02:00:00:00:00:03',
}

const BY_BRIDGE = `
link add br0 address ${MACS.br0} type bridge vlan_filtering 1
link add p0 address ${MACS.p0} type veth peer name q0 address 02:00:00:00:01:02
link add p1 address ${MACS.p1} type veth peer name q1 address 02:00:00:00:01:03
link set p0 master br0
link set p1 master br0
bridge vlan add dev p0 vid 10 pvid untagged
bridge vlan add dev p0 vid 100-199
bridge vlan add dev p0 vid 120-130 untagged
bridge vlan del dev p0 vid 150-160
bridge vlan del dev p0 vid 1
bridge vlan add dev p1 vid 4094
bridge vlan add dev br0 vid 10 self
bridge vlan add dev br0 vid 20-22 self
bridge vlan del dev br0 vid 21 self`

async function bridge(rt: Route): Promise<void> {
  await rt.link.add({ name: 'br0', kind: 'bridge', mac: MACS.br0 as string, data: { vlanFiltering: true } })
  for (const [i, name] of PORTS.entries()) {
    const peer = { name: `q${i}`, mac: `02:00:00:00:01:0${i + 2}` }
    await rt.link.add({ name, kind: 'veth', mac: MACS[name] as string, peer })
    await rt.link.set(name, { master: 'br0' })
  }
}

async function byUs(rt: Route): Promise<void> {
  await bridge(rt)
  const { ok, failures } = await rt.batch((b) => {
    b.bridgeVlan.add({ dev: 'p0', vid: 10, pvid: true, untagged: true })
    b.bridgeVlan.add({ dev: 'p0', vid: 100, end: 199 })
    b.bridgeVlan.add({ dev: 'p0', vid: 120, end: 130, untagged: true })
    b.bridgeVlan.delete({ dev: 'p0', vid: 150, end: 160 })
    b.bridgeVlan.delete({ dev: 'p0', vid: 1 })
    b.bridgeVlan.add({ dev: 'p1', vid: 4094 })
  })
  assert.ok(ok, String(failures[0]?.error))
  await rt.bridgeVlan.add({ dev: 'br0', vid: 10, self: true })
  await rt.bridgeVlan.add({ dev: 'br0', vid: 20, end: 22, self: true })
  await rt.bridgeVlan.delete({ dev: 'br0', vid: 21, self: true })
}

describe('VLANs of bridge ports', needs('admin', 'iproute2'), () => {
  everyTestEndsAtHome()

  it('agree with what bridge(8) makes and sees', async (t) => {
    if (await lacking(t)) return
    await makeAndCompare(byUs, BY_BRIDGE)
  })

  it('are told as ranges, with their bridge', async (t) => {
    if (await lacking(t)) return
    await using here = place()
    await byUs(here.rt)
    const index = Object.fromEntries((await here.rt.links()).map(({ name, index }) => [name, index]))
    const of = (await here.rt.bridgeVlans()).filter((each) => each.index === index.p0)
    assert.ok(of.every(({ master }) => master === index.br0))
    assert.deepEqual(
      of.map(({ vid, end, pvid, untagged }) => [vid, end, pvid, untagged]),
      [
        [10, 10, true, true],
        [100, 119, false, false],
        [120, 130, false, true],
        [131, 149, false, false],
        [161, 199, false, false],
      ],
    )
  })

  it('come back as they were when an atomic batch fails, the pvid that was taken over too', async (t) => {
    if (await lacking(t)) return
    await using here = place()
    await byUs(here.rt)
    const look = () => inside(here.ns.fd, 'bridge', '-j', 'vlan')
    const before = look()
    const failing = here.rt.batch(
      (b) => {
        b.bridgeVlan.add({ dev: 'p0', vid: 11, pvid: true })
        b.bridgeVlan.add({ dev: 'p0', vid: 12, pvid: true, untagged: true })
        b.bridgeVlan.delete({ dev: 'p0', vid: 110, end: 125 })
        b.bridgeVlan.add({ dev: 'p0', vid: 90, end: 105, untagged: true })
        b.bridgeVlan.delete({ dev: 'br0', vid: 1, self: true })
        b.bridgeVlan.add({ dev: 'q0', vid: 5 })
      },
      { atomic: true },
    )
    await assert.rejects(failing, (error: BatchError) => {
      assert.ok(error instanceof BatchError)
      assert.deepEqual(error.undoFailures, [])
      assert.equal(error.result.failures.length, 1)
      return true
    })
    assert.deepEqual(JSON.parse(look()), JSON.parse(before))
  })

  it('of a link that is no port, and of a range that is none, are refused', async () => {
    await using here = place()
    const { rt } = here
    await assert.rejects(rt.bridgeVlan.add({ dev: 'lo', vid: 5 }), (error: RouteError) => {
      assert.equal(error.code, 'ENOTSUP')
      assert.match(error.message, /VLAN 5 of the link 'lo'.*port of a bridge/)
      return true
    })
    await assert.rejects(rt.bridgeVlan.add({ dev: 'nope', vid: 5 }), { code: 'ENODEV' })
    const wrong: object[] = [
      { vid: 0 },
      { vid: 4095 },
      { vid: 1.5 },
      { vid: '5' },
      {},
      { vid: 5, end: 4 },
      { vid: 5, end: 4095 },
      { vid: 5, end: 6, pvid: true },
      { vid: 5, untagged: 1 },
      { vid: 5, dev: '' },
    ]
    for (const each of wrong) {
      const asked = async () => rt.bridgeVlan.add({ dev: 'lo', ...each } as never)
      await assert.rejects(asked, { code: 'ERR_INVALID_ARG_VALUE' }, JSON.stringify(each))
    }
    assert.deepEqual(await rt.bridgeVlans(), [])
  })

  it('and ports that leave their bridge are not taken for links that are gone', async () => {
    await using here = place()
    const { rt } = here
    await rt.link.add({ name: 'br0', kind: 'bridge' })
    await rt.link.add({ name: 'p0', kind: 'veth', master: 'br0', peer: { name: 'q0' } })
    const events: string[] = []
    const watch = rt.watch({ groups: ['link'] })
    const reading = (async () => {
      for await (const event of watch) if (event.type === 'link') events.push(`${event.action} ${event.link.name}`)
    })()
    await rt.link.set('p0', { master: null })
    await rt.link.delete('q0')
    for (let tries = 0; tries < 100 && !events.includes('delete q0'); tries++) await sleep(20)
    await watch.return?.()
    await reading
    assert.ok(events.includes('new p0'))
    assert.deepEqual(
      events.filter((event) => event.startsWith('delete')).sort(),
      ['delete p0', 'delete q0'],
      'one each, when the pair is deleted',
    )
  })
})

/** Skips where the kernel makes no bridge that filters, in its own words. */
async function lacking(t: TestContext): Promise<boolean> {
  await using here = place()
  try {
    await here.rt.link.add({ name: 'br0', kind: 'bridge', data: { vlanFiltering: true } })
    return false
  } catch (error) {
    const { code, kernelMessage } = error as RouteError
    if (code !== 'ENOTSUP') throw error
    t.skip(`the kernel has no VLAN filtering of bridges: ${kernelMessage ?? code}`)
    return true
  }
}
