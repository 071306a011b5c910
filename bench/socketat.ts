// socketat and close, against the same system calls from C and from Go.
import { join } from 'node:path'
import { Contender } from './contender.js'
import { alternate, median, pairedRatio } from './figures.js'
import type { Bench } from './main.js'
import { microseconds, type Report } from './report.js'
import { command, needs, node, onCpu, Skip, type Stage } from './stage.js'

const SOURCES = join(import.meta.dirname, '..', '..', 'bench')
const SOCKETS_A_SLICE = 40_000
const ROUNDS = 24

export const socketat: Bench = {
  title: 'a socket in another network namespace, made and closed (time each)',
  async run(stage, report) {
    const directory = stage.directory()
    const contenders: Record<string, string[]> = {
      nsfd: node('socketat'),
      'nsfd, fs.closeSync': node('socketat', 'fs.closeSync'),
      ...optional(report, 'C', () => compileC(directory)),
      ...optional(report, 'Go', () => compileGo(directory)),
    }
    const figures = await race(stage, contenders)
    const columns = Object.fromEntries(Object.entries(figures).map(([who, ns]) => [who, microseconds(median(ns))]))
    const compare = (what: string, who: string, peer: string, aim?: { atMost: number }) => {
      const [ours, theirs] = [figures[who], figures[peer]]
      if (ours === undefined || theirs === undefined) return
      report.rows.push({
        what,
        figures: { [`${who}`]: columns[who] as string, [peer]: columns[peer] as string },
        ratio: pairedRatio(ours, theirs),
        ...(aim && { aim }),
      })
    }
    compare('socketat + close, to C', 'nsfd', 'C', { atMost: 1.1 })
    compare('socketat + fs.closeSync, to C', 'nsfd, fs.closeSync', 'C')
    compare('socketat + close, to Go', 'nsfd', 'Go')
  },
}

async function race(stage: Stage, programs: Record<string, string[]>): Promise<Record<string, number[]>> {
  const turns = Object.fromEntries(
    Object.entries(programs).map(([who, program]) => {
      const contender = new Contender(stage, onCpu(1, program))
      return [who, async () => (await contender.measure(SOCKETS_A_SLICE)) / SOCKETS_A_SLICE]
    }),
  )
  return alternate(turns, ROUNDS)
}

function optional(report: Report, who: string, compile: () => string): Record<string, string[]> {
  try {
    return { [who]: [compile()] }
  } catch (error) {
    if (!(error instanceof Skip)) throw error
    report.skipped.push(error.message)
    return {}
  }
}

function compileC(directory: string): string {
  needs('cc', 'for the floor in C')
  const program = join(directory, 'floor')
  command('cc', ['-O2', '-o', program, join(SOURCES, 'floor', 'socketat.c')])
  return program
}

/** Debian's golang-go and golang-github-vishvananda-netns-dev, which is found by GOPATH. */
function compileGo(directory: string): string {
  needs('go', "for Go's vishvananda/netns: Debian's golang-go")
  const program = join(directory, 'go-netns')
  const env = { GOPATH: '/usr/share/gocode', GO111MODULE: 'off', GOCACHE: join(directory, 'go-cache'), GOFLAGS: '' }
  try {
    command('go', ['build', '-o', program, join(SOURCES, 'go', 'socketat.go')], env)
  } catch (error) {
    if (!/cannot find package/.test((error as Error).message)) throw error
    throw new Skip("Go's vishvananda/netns is not installed: Debian's golang-github-vishvananda-netns-dev")
  }
  return program
}
