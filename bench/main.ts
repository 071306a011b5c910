// npm run bench [name…] [--json]: nsfd beside its peers, in one run.
import { cpus, loadavg, release } from 'node:os'
import { container } from './container.js'
import { dns } from './dns.js'
import { echo } from './echo.js'
import { http } from './http.js'
import { memory } from './memory.js'
import { namespaces } from './namespaces.js'
import { print, type Report } from './report.js'
import { rtnetlink } from './rtnetlink.js'
import { socketat } from './socketat.js'
import { Skip, Stage } from './stage.js'
import { topology } from './topology.js'
import { unused } from './unused.js'

/** Fills in rows, notes and skips; a Skip that it throws skips what is left of it. */
export type Bench = { title: string; run(stage: Stage, report: Report): Promise<void> }

const benches: Record<string, Bench> = {
  socketat,
  http,
  echo,
  dns,
  unused,
  namespaces,
  memory,
  rtnetlink,
  topology,
  container,
}

async function main(): Promise<void> {
  const words = process.argv.slice(2)
  const json = words.includes('--json')
  const asked = words.filter((word) => !word.startsWith('--'))
  const unknown = [...asked.filter((name) => !(name in benches)), ...words.filter((w) => /^--(?!json$)/.test(w))]
  if (unknown.length > 0) return usage(unknown)

  const machine = `Node ${process.version}, Linux ${release()}, ${cpus().length} x ${cpus()[0]?.model}`
  const busy = (loadavg()[0] as number) > 1
  if (busy) process.stderr.write(`The machine is busy (load ${loadavg()[0]?.toFixed(1)}): do not trust the figures\n`)
  if (!json) process.stdout.write(`${machine}\n`)
  const reports: Report[] = []
  for (const name of asked.length > 0 ? asked : Object.keys(benches)) {
    const report = await perform(name, benches[name] as Bench)
    reports.push(report)
    if (!json) print(report)
  }
  if (json) process.stdout.write(`${JSON.stringify({ machine, reports }, undefined, 2)}\n`)
}

async function perform(name: string, bench: Bench): Promise<Report> {
  const report: Report = { bench: name, title: bench.title, rows: [], skipped: [], notes: [] }
  await using stage = new Stage()
  try {
    if (process.getuid?.() !== 0) throw new Skip('benches make namespaces and compare with ip(8): run as root')
    await bench.run(stage, report)
  } catch (error) {
    if (!(error instanceof Skip)) throw error
    report.skipped.push(error.message)
  }
  return report
}

function usage(unknown: string[]): void {
  process.stderr.write(
    `unknown: ${unknown.join(' ')}\nusage: npm run bench [${Object.keys(benches).join('|')}…] [-- --json]\n`,
  )
  process.exitCode = 2
}

await main()
