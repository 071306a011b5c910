// Memory: many namespaces with an HTTP listener each in one process, against a Node process for each.
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Contender } from './contender.js'
import { median } from './figures.js'
import type { Bench } from './main.js'
import { megabytes } from './report.js'
import { insideByIp, node, type Stage } from './stage.js'

const NAMESPACES = 1000
const MEASURED_PROCESSES = 10
const LIVES = 5
const SETTLE_MS = 500
const LIMIT = 16 * 2 ** 20

type Memory = { rss: number; pss: number }

export const memory: Bench = {
  title: `${NAMESPACES} namespaces with an HTTP listener each (memory)`,
  async run(stage, report) {
    const idle = await livesOf(() => alone(stage, node('listeners', 'none')))
    const imported = await livesOf(() => alone(stage, node('listeners', '0')))
    const one = await livesOf(() => alone(stage, node('listeners', '1')))
    const many = await livesOf(() => alone(stage, node('listeners', String(NAMESPACES))))
    const each = await processEach(stage)
    const over = (figure: number) => ({ RSS: megabytes(figure), 'over idle Node': megabytes(figure - idle.rss) })
    report.rows.push(
      { what: 'idle Node', figures: { RSS: megabytes(idle.rss) } },
      { what: 'nsfd imported', figures: over(imported.rss) },
      { what: '1 namespace, 1 listener', figures: over(one.rss) },
      {
        what: `${NAMESPACES} namespaces and listeners, one process`,
        figures: over(many.rss),
        ratio: (many.rss - idle.rss) / LIMIT,
        aim: { atMost: 1 },
      },
      {
        what: `${NAMESPACES} Node processes (extrapolated from ${MEASURED_PROCESSES})`,
        figures: { RSS: megabytes(each.rss * NAMESPACES) },
        ratio: (each.rss * NAMESPACES) / many.rss,
      },
    )
    report.notes.push(
      `A process each, shared pages counted once (PSS): ${megabytes(each.pss * NAMESPACES)}, extrapolated likewise.`,
      'Ratios: what is over an idle Node to the aim of 16 MB; the processes to the one process.',
    )
  },
}

async function livesOf(measure: () => Promise<Memory>): Promise<Memory> {
  const lives: Memory[] = []
  for (let i = 0; i < LIVES; i++) lives.push(await measure())
  return { rss: median(lives.map(({ rss }) => rss)), pss: median(lives.map(({ pss }) => pss)) }
}

async function alone(stage: Stage, program: string[]): Promise<Memory> {
  const contender = new Contender(stage, program)
  await contender.line()
  await setTimeout(SETTLE_MS)
  const memory = memoryOf(contender)
  await contender.stop()
  return memory
}

/** Plain Node with one plain listener, in a namespace each by `ip netns exec`; the mean of all that run at once. */
async function processEach(stage: Stage): Promise<Memory> {
  const start = (i: number) => new Contender(stage, insideByIp(stage.namespace(`memory-${i}`), node('server', 'plain')))
  const contenders = Array.from({ length: MEASURED_PROCESSES }, (_, i) => start(i))
  for (const contender of contenders) await contender.line()
  await setTimeout(SETTLE_MS)
  const all = contenders.map(memoryOf)
  for (const contender of contenders) await contender.stop()
  const mean = (figures: number[]) => figures.reduce((sum, figure) => sum + figure, 0) / figures.length
  return { rss: mean(all.map(({ rss }) => rss)), pss: mean(all.map(({ pss }) => pss)) }
}

/** /proc/<pid>/smaps_rollup: Rss, and Pss, which divides what processes share among them. proc_pid_smaps(5). */
function memoryOf({ child }: Contender): Memory {
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8')
  const bytes = (field: string) => Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(rollup)?.[1]) * 1024
  return { rss: bytes('Rss'), pss: bytes('Pss') }
}
