// Machines of systemd-nspawn, as systemd-machined registers them under /run/systemd/machines.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { hasCode } from '../../kernel/errors.js'
import { type Container, choose, type Engine } from '../engine.js'
import { startTime } from './lxc.js'

const MACHINES = '/run/systemd/machines'

export const machine: Engine = {
  name: 'machine',
  present: () => existsSync(MACHINES),
  list: async () => (existsSync(MACHINES) ? names().flatMap((name) => read(name) ?? []) : []),
  find: async (query) => choose('machine', await machine.list(), query),
}

/** Beside its file, a machine has links from "unit:…" to it. */
function names(): string[] {
  return readdirSync(MACHINES).filter((name) => !name.includes(':'))
}

/** The environment file that sd_machine(3) and machinectl(1) are fed from. */
function read(name: string): Container | undefined {
  try {
    const lines = readFileSync(`${MACHINES}/${name}`, 'utf8').split('\n')
    const facts = new Map(
      lines.map((line) => /^([A-Z_]+)=(.*)$/.exec(line)?.slice(1, 3) as [string, string]).filter(Boolean),
    )
    const leader = Number(facts.get('LEADER') ?? 0)
    if (facts.get('CLASS') !== 'container') return undefined
    return {
      engine: 'machine',
      name,
      id: name,
      labels: { service: facts.get('SERVICE') ?? '', root: facts.get('ROOT') ?? '' },
      status: leader > 0 ? 'running' : 'closing',
      pid: leader > 0 ? leader : undefined,
      run: `${leader} ${startTime(leader)}`,
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
