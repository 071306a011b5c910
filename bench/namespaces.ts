// What entering, making and pinning a namespace costs, beside AsyncLocalStorage alone and beside ip(8).
import { Contender } from './contender.js'
import { alternate, median, pairedRatio } from './figures.js'
import type { Bench } from './main.js'
import { microseconds } from './report.js'
import { node, onCpu } from './stage.js'

const ROUNDS = 20

/** Row, what child/calls.ts is asked for, how many times a slice, and likewise for the peer. */
type Pair = { what: string; ours: string; peer?: readonly [name: string, call: string, times: number]; times: number }

const PAIRS: Pair[] = [
  { what: 'run', ours: 'run', times: 100_000, peer: ['AsyncLocalStorage.run', 'als', 100_000] },
  { what: 'runSync', ours: 'runSync', times: 5000 },
  { what: 'create, close', ours: 'create', times: 50 },
  { what: 'create, pin, unpin, close', ours: 'pin', times: 50, peer: ['ip netns add, del', 'ip', 10] },
  { what: 'create, pin, unpin, close', ours: 'pin', times: 50, peer: ['the same by ip -batch', 'ip-batch', 50] },
]

export const namespaces: Bench = {
  title: 'entering, making and naming a namespace (time each)',
  async run(stage, report) {
    const calls = new Contender(stage, onCpu(1, node('calls', `nsfd-bench-${process.pid}-calls`)))
    await calls.line()
    for (const { what, ours, times, peer } of PAIRS) {
      const turn = (call: string, count: number) => async () => (await calls.measure(`${call} ${count}`)) / count
      const turns = { nsfd: turn(ours, times), ...(peer && { [peer[0]]: turn(peer[1], peer[2]) }) }
      const figures = await alternate(turns, ROUNDS)
      const medians = Object.entries(figures).map(([who, ns]) => [who, microseconds(median(ns))])
      const [own, other] = Object.values(figures) as [number[], number[]?]
      report.rows.push({
        what,
        figures: Object.fromEntries(medians),
        ...(other && { ratio: pairedRatio(own, other) }),
      })
    }
    await calls.stop()
  },
}
