// Time to run `true` in a container: by spawn, by nsfd enter, and by the tools people use.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openTarget } from 'nsfd'
import { alternate, median, pairedRatio } from './figures.js'
import type { Bench } from './main.js'
import { command, Skip, type Stage } from './stage.js'

const ROUNDS = Number(process.env.NSFD_BENCH_ROUNDS ?? 30)
const IMAGE = 'nsfd.local/busybox:1'
const NSFD = fileURLToPath(import.meta.resolve('#dist/cli/nsfd.cjs'))
const AIM_OVER_NODE_MS = 30

const WAYS = {
  spawn: 'spawn(target)',
  apart: 'spawn(target), cgroup: false',
  nsenter: 'nsenter --all',
  node: 'node -e 0',
  enter: 'nsfd enter',
  docker: 'docker exec',
  ctr: 'ctr task exec',
} as const

export const container: Bench = {
  title: 'running true in a container, to its end (time each; all but nsfd’s spawn are started from Node)',
  async run(stage, report) {
    const name = startContainers(stage)
    using target = await openTarget(`docker:${name}`)
    const pid = String(target.pid)
    let count = 0
    const figures = await alternate(
      {
        [WAYS.spawn]: timed(() => target.spawn('true', [], { stdio: 'ignore' })),
        [WAYS.apart]: timed(() => target.spawn('true', [], { stdio: 'ignore', cgroup: false })),
        [WAYS.nsenter]: timed(() => start('nsenter', '--target', pid, '--all', 'true')),
        [WAYS.node]: timed(() => start(process.execPath, '-e', '0')),
        [WAYS.enter]: timed(() => start(process.execPath, NSFD, 'enter', `docker:${name}`, '--', 'true')),
        [WAYS.docker]: timed(() => start('docker', 'exec', name, 'true')),
        [WAYS.ctr]: timed(() => start('ctr', 'task', 'exec', '--exec-id', `e${count++}`, name, 'true')),
      },
      ROUNDS,
    )
    const of = (way: string) => figures[way] as number[]
    const compare = (ours: string, peer: string, aim?: { atMost: number }) =>
      report.rows.push({
        what: `${ours}, to ${peer}`,
        figures: { ours: milliseconds(median(of(ours))), peer: milliseconds(median(of(peer))) },
        ratio: pairedRatio(of(ours), of(peer)),
        ...(aim && { aim }),
      })
    compare(WAYS.spawn, WAYS.nsenter)
    compare(WAYS.apart, WAYS.nsenter, { atMost: 1 })
    compare(WAYS.spawn, WAYS.docker, { atMost: 0.1 })
    compare(WAYS.enter, WAYS.docker, { atMost: 1 })
    compare(WAYS.enter, WAYS.ctr)
    const over = median(of(WAYS.enter)) - median(of(WAYS.node))
    report.rows.push({
      what: `${WAYS.enter}, over ${WAYS.node}`,
      figures: { ours: milliseconds(over), peer: milliseconds(median(of(WAYS.node))) },
      ratio: over / 1e6 / AIM_OVER_NODE_MS,
      aim: { atMost: 1 },
    })
    report.notes.push('nsenter joins no cgroup; for that the kernel may wait for an RCU grace period.')
    report.notes.push(`Ratio of the last row: to the aim of ${AIM_OVER_NODE_MS} ms over the start of Node itself.`)
  },
}

/** One of docker's and one of containerd's, under the same name. */
function startContainers(stage: Stage): string {
  const name = `nsfd-bench-${process.pid}`
  try {
    command('docker', ['image', 'inspect', IMAGE])
  } catch (error) {
    throw new Skip(`no docker engine with its test image here (scripts/ci-engines.sh): ${(error as Error).message}`)
  }
  stage.atEnd(() => void command('docker', ['rm', '--force', name]))
  command('docker', ['run', '--detach', '--network=none', '--name', name, IMAGE])
  stage.atEnd(() => {
    command('ctr', ['task', 'rm', '--force', name])
    command('ctr', ['container', 'rm', name])
  })
  command('ctr', ['run', '--detach', IMAGE, name, 'sleep', '1000000'])
  return name
}

function start(program: string, ...args: string[]): ReturnType<typeof spawn> {
  return spawn(program, args, { stdio: 'ignore' })
}

/** Nanoseconds from before the start to after the end. */
function timed(begin: () => ReturnType<typeof spawn>): () => Promise<number> {
  return async () => {
    const begun = process.hrtime.bigint()
    const child = begin()
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`)
    return Number(process.hrtime.bigint() - begun)
  }
}

function milliseconds(ns: number): string {
  return `${(ns / 1e6).toFixed(1)} ms`
}
