// Queueing disciplines and classes: ours told by tc, tc's told by us. A kind that this kernel lacks is skipped in the kernel's
// own words, after it has refused both.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Route } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { makeAndCompare, makeByCommands } from './beside-ip.js'
import { place } from './links.js'

type Row = { ours: (rt: Route) => Promise<void>; theirs: string }

const PAIR = 'link add v1 address 02:00:00:00:00:01 type veth peer name v2 address 02:00:00:00:00:02'
const pair = (rt: Route) =>
  rt.link.add({ name: 'v1', kind: 'veth', mac: '02:00:00:00:00:01', peer: { name: 'v2', mac: '02:00:00:00:00:02' } })

const ROWS: Readonly<Record<string, Row>> = {
  'tbf by its latency': {
    ours: (rt) => rt.qdisc.add({ dev: 'v1', handle: '5:', kind: 'tbf', rate: 1e6, burst: 10 * 1024, latency: 50 }),
    theirs: 'tc qdisc add dev v1 root handle 5: tbf rate 1mbit burst 10kb latency 50ms',
  },
  'tbf by its limit': {
    ours: (rt) => rt.qdisc.add({ dev: 'v1', handle: '5:', kind: 'tbf', rate: 40e9, burst: 4 << 20, limit: 9 << 20 }),
    theirs: 'tc qdisc add dev v1 root handle 5: tbf rate 40gbit burst 4mb limit 9mb',
  },
  'htb and its classes': {
    async ours(rt) {
      await rt.qdisc.add({ dev: 'v1', handle: '1:', kind: 'htb', default: 0x10 })
      const htb = { dev: 'v1', kind: 'htb' } as const
      await rt.qdisc.addClass({ ...htb, parent: '1:', handle: '1:1', rate: 50e9, ceil: 50e9, burst: 5e6 })
      await rt.qdisc.addClass({ ...htb, parent: '1:1', handle: '1:10', rate: 10e6, ceil: 20e6 })
      await rt.qdisc.addClass({ ...htb, parent: '1:1', handle: '1:20', rate: 64e3, priority: 3, quantum: 2000 })
      await rt.qdisc.addClass({ ...htb, parent: '1:1', handle: '1:30', rate: 64e3 })
      await rt.qdisc.deleteClass({ dev: 'v1', handle: '1:30' })
      await rt.qdisc.add({ dev: 'v1', parent: '1:10', handle: '20:', kind: 'pfifo', limit: 30 })
    },
    theirs: `
tc qdisc add dev v1 root handle 1: htb default 10
tc class add dev v1 parent 1: classid 1:1 htb rate 50gbit ceil 50gbit burst 5000000b cburst 5000000b
tc class add dev v1 parent 1:1 classid 1:10 htb rate 10mbit ceil 20mbit
tc class add dev v1 parent 1:1 classid 1:20 htb rate 64kbit prio 3 quantum 2000
tc qdisc add dev v1 parent 1:10 handle 20: pfifo limit 30`,
  },
  bfifo: {
    ours: (rt) => rt.qdisc.add({ dev: 'v1', handle: '7:', kind: 'bfifo', limit: 4000 }),
    theirs: 'tc qdisc add dev v1 root handle 7: bfifo limit 4000',
  },
  'pfifo that replaces another, and ingress': {
    async ours(rt) {
      await rt.qdisc.add({ dev: 'v1', handle: '7:', kind: 'bfifo', limit: 4000 })
      await rt.qdisc.replace({ dev: 'v1', handle: '8:', kind: 'pfifo', limit: 40 })
      await rt.qdisc.add({ dev: 'v1', parent: 'ingress', kind: 'ingress' })
    },
    theirs: `
tc qdisc add dev v1 root handle 7: bfifo limit 4000
tc qdisc replace dev v1 root handle 8: pfifo limit 40
tc qdisc add dev v1 ingress`,
  },
  'pfifo_fast, and clsact': {
    async ours(rt) {
      await rt.qdisc.add({ dev: 'v1', handle: '7:', kind: 'pfifo_fast' })
      await rt.qdisc.add({ dev: 'v1', parent: 'ingress', kind: 'clsact' })
    },
    theirs: `
tc qdisc add dev v1 root handle 7: pfifo_fast
tc qdisc add dev v1 clsact`,
  },
  'mq of its own making, when the link goes up, and gone again': {
    async ours(rt) {
      for (const name of ['v1', 'v2']) await rt.link.set(name, { addrGenMode: 'none' })
      for (const name of ['v1', 'v2']) await rt.link.set(name, { up: true })
      await rt.qdisc.add({ dev: 'v1', handle: '7:', kind: 'pfifo' })
      await rt.qdisc.delete({ dev: 'v1' })
    },
    theirs: `
link set v1 addrgenmode none
link set v2 addrgenmode none
link set v1 up
link set v2 up
tc qdisc add dev v1 root handle 7: pfifo
tc qdisc del dev v1 root`,
  },
  netem: {
    ours: (rt) =>
      rt.qdisc.add({
        dev: 'v1',
        handle: '5:',
        kind: 'netem',
        ...{ delay: 10, jitter: 2, loss: 0.25, duplicate: 0.125, reorder: 0.5, corrupt: 0.0625, rate: 1e6, limit: 77 },
      }),
    theirs:
      'tc qdisc add dev v1 root handle 5: netem limit 77 delay 10ms 2ms loss 25% duplicate 12.5% reorder 50% corrupt 6.25% rate 1mbit',
  },
  fq: {
    ours: (rt) =>
      rt.qdisc.add({
        dev: 'v1',
        handle: '5:',
        kind: 'fq',
        ...{ limit: 500, flowLimit: 50, quantum: 3000, maxRate: 8e6, pacing: true },
      }),
    theirs: 'tc qdisc add dev v1 root handle 5: fq limit 500 flow_limit 50 quantum 3000 maxrate 8mbit pacing',
  },
  fq_codel: {
    ours: (rt) => rt.qdisc.add({ dev: 'v1', handle: '5:', kind: 'fq_codel' }),
    theirs: 'tc qdisc add dev v1 root handle 5: fq_codel',
  },
}

describe('queueing disciplines, beside tc', needs('admin', 'iproute2'), () => {
  everyTestEndsAtHome()

  for (const [what, { ours, theirs }] of Object.entries(ROWS)) {
    it(`agree on ${what}`, async (t) => {
      const refusal = await refusalOf(ours)
      if (refusal !== undefined) {
        await assert.rejects(refuses(theirs), /kind is unknown/, 'tc is refused as we are')
        return t.skip(`the kernel says: ${refusal}`)
      }
      const make = async (rt: Route) => {
        await pair(rt)
        await ours(rt)
      }
      await makeAndCompare(make, `${PAIR}\n${theirs}`)
    })
  }

  it('a class of a link that is not there, and a class that is not there, are told as such', async () => {
    await using here = place()
    await assert.rejects(here.rt.classes('nope'), { code: 'ENODEV' })
    await assert.rejects(here.rt.qdisc.deleteClass({ dev: 'lo', handle: '1:10' }), { code: 'ENOENT' })
    await assert.rejects(async () => here.rt.qdisc.deleteClass({ dev: 'lo', handle: 'x' }), {
      code: 'ERR_INVALID_ARG_VALUE',
    })
    assert.deepEqual(await here.rt.classes('lo'), [])
  })
})

/** What the kernel says where it has no such kind. */
async function refusalOf(ours: Row['ours']): Promise<string | undefined> {
  await using here = place()
  await pair(here.rt)
  try {
    await ours(here.rt)
    return undefined
  } catch (error) {
    const { code, kernelMessage } = error as { code: string; kernelMessage?: string }
    if (code === 'ENOENT' && kernelMessage?.includes('kind is unknown')) return kernelMessage
    throw error
  }
}

async function refuses(theirs: string): Promise<void> {
  await using here = place()
  makeByCommands(here.ns, here.ns, `${PAIR}\n${theirs}`)
}
