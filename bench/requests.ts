// Comparing two Node processes that answer or make HTTP requests: rates, and the CPU time a request costs each.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Contender } from './contender.js'
import { alternate, median, pairedRatio } from './figures.js'
import { perSecond, type Row } from './report.js'
import { insideByIp, onCpu, type Stage } from './stage.js'

/** A process is fast or slow by a few per cent for all its life (memory layout), so each contender lives several times. */
const LIVES = 5
const ROUNDS_A_LIFE = 3
const SLICE_SECONDS = 1
const CONNECTIONS = 16

/** What a slice showed: requests per second, and nanoseconds of CPU time a request. */
type Slice = { rate: number; cpu: number }
/** One that has no slice only helps, and is stopped with the others. */
export type Contestant = { contender: Contender; slice?: () => Promise<Slice> }

/** One row: the first contestant's figures to the second's. */
export async function compareHttp(
  what: string,
  begin: () => Promise<Record<string, Contestant>>,
  aim: Row['aim'] & object,
): Promise<Row> {
  const slices: Record<string, Slice[]> = {}
  for (let life = 0; life < LIVES; life++) {
    const contestants = Object.entries(await begin())
    const turns = contestants.flatMap(([who, { slice }]) => (slice === undefined ? [] : [[who, slice] as const]))
    const seen = await alternate(Object.fromEntries(turns), ROUNDS_A_LIFE)
    for (const [who, each] of Object.entries(seen)) slices[who] = [...(slices[who] ?? []), ...each]
    for (const [, { contender }] of contestants) await contender.stop()
  }
  const [ours, theirs] = Object.values(slices) as [Slice[], Slice[]]
  const rates = Object.entries(slices).map(([who, each]) => [who, perSecond(median(each.map(({ rate }) => rate)))])
  const cpu = pairedRatio(
    ours.map(({ cpu }) => cpu),
    theirs.map(({ cpu }) => cpu),
  )
  return {
    what,
    figures: { ...Object.fromEntries(rates), CPU: cpu.toFixed(3) },
    ratio: pairedRatio(
      ours.map(({ rate }) => rate),
      theirs.map(({ rate }) => rate),
    ),
    aim,
  }
}

/** A server of bench/child, loaded by wrk from the other processor. */
export async function startServer(
  stage: Stage,
  name: string,
  connection: string,
  program: string[],
): Promise<Contestant> {
  const contender = new Contender(stage, onCpu(0, program))
  const port = await contender.line()
  const load = onCpu(1, [
    'wrk',
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${SLICE_SECONDS}s`,
    ...['-H', `Connection: ${connection}`],
    `http://127.0.0.1:${port}/`,
  ])
  const [file, ...args] = insideByIp(name, load) as [string, ...string[]]
  const slice = async () => {
    const before = await contender.measure('cpu')
    const { stdout } = await promisify(execFile)(file, args)
    const cpu = (await contender.measure('cpu')) - before
    return { rate: found(/Requests\/sec: +([\d.]+)/, stdout), cpu: cpu / found(/(\d+) requests in/, stdout) }
  }
  return { contender, slice }
}

/** A client of bench/child, which makes as many requests as it can for the time of a slice. */
export function startClient(stage: Stage, program: string[]): Contestant {
  const contender = new Contender(stage, onCpu(0, program))
  const slice = async () => JSON.parse(await contender.ask(`${SLICE_SECONDS * 1000} ${CONNECTIONS}`)) as Slice
  return { contender, slice }
}

function found(pattern: RegExp, text: string): number {
  const [, value] = pattern.exec(text) ?? []
  if (value === undefined || /Socket errors/.test(text)) throw new Error(`wrk failed:\n${text}`)
  return Number(value)
}
