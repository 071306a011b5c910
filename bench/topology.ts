// A thousand namespaces on one bridge, made and taken down: examples/topology.ts beside the same job by `ip -batch`.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { median } from './figures.js'
import type { Bench } from './main.js'
import { command, type Stage } from './stage.js'

const COUNT = 1000
const ROUNDS = 2
/** The kernel takes a thousand namespaces down in the background; the next round should not pay for it. */
const SETTLE_MS = 8000
const EXAMPLE = fileURLToPath(new URL('../examples/topology.js', import.meta.url))

type Times = { up: number; down: number }

export const topology: Bench = {
  title: `${COUNT} namespaces on one bridge, each with an address and up (seconds)`,
  async run(stage, report) {
    const ours: Times[] = []
    const ips: Times[] = []
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(byExample())
      await sleep(SETTLE_MS)
      ips.push(byIp(stage, round))
      await sleep(SETTLE_MS)
    }
    for (const phase of ['up', 'down'] as const) {
      const [own, other] = [ours, ips].map((times) => median(times.map((each) => each[phase]))) as [number, number]
      const figures = { nsfd: seconds(own), 'ip -batch': seconds(other) }
      report.rows.push({ what: phase === 'up' ? 'made' : 'taken down', figures, ratio: own / other })
    }
    report.notes.push('ip -batch works in one namespace, so the addresses inside take an `ip -n NAME -batch` each.')
    report.notes.push('Both make every link in place, with one queue, and delete the links by their group.')
  },
}

const UP = ['namespaces', 'bridge and wires', 'addresses']

/** The example's own times, of the phases that ip does as well; it makes servers and connections besides. */
function byExample(): Times {
  const printed = command(process.execPath, [EXAMPLE, String(COUNT)])
  const phase = (name: string) => Number(new RegExp(`${name}\\s+(\\d+) ms`).exec(printed)?.[1])
  return { up: UP.reduce((sum, name) => sum + phase(name), 0), down: phase('all down again') }
}

function byIp(stage: Stage, round: number): Times {
  const names = Array.from({ length: COUNT }, (_, i) => `nsfd-bench-${process.pid}-${i}`)
  const hub = stage.namespace(`hub-${round}`)
  const directory = stage.directory()
  const batch = (lines: string[], ...options: string[]) => {
    const file = join(directory, 'batch')
    writeFileSync(file, `${lines.join('\n')}\n`)
    command('ip', [...options, '-batch', file])
  }
  const begin = performance.now()
  batch(names.map((name) => `netns add ${name}`))
  try {
    const wires = names.map(
      (name, i) =>
        `link add port${i} numtxqueues 1 numrxqueues 1 group 1000 master hub up type veth peer name eth0 numtxqueues 1 numrxqueues 1 netns ${name}`,
    )
    batch(['link add hub up type bridge', 'address add 10.64.0.1/10 dev hub', ...wires], '-n', hub)
    for (const [i, name] of names.entries()) {
      const address = `10.64.${(i + 2) >> 8}.${(i + 2) & 255}/10`
      batch([`address add ${address} dev eth0`, 'link set eth0 up'], '-n', name)
    }
    const made = performance.now()
    batch(['link delete group 1000'], '-n', hub)
    batch(names.map((name) => `netns del ${name}`))
    return { up: made - begin, down: performance.now() - made }
  } catch (error) {
    for (const name of names) spawnSync('ip', ['netns', 'del', name])
    throw error
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
