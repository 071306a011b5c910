// Comparing Node processes that answer or make requests, of HTTP or others: rates, slowest hundredth, CPU time of each.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Contender } from './contender.js'
import { alternate, median, pairedRatio } from './figures.js'
import { microseconds, perSecond, type Row } from './report.js'
import { insideByIp, onCpu, type Stage } from './stage.js'

/** A process is fast or slow by a few per cent for all its life (memory layout), so each contender lives several times. */
const LIVES = 5
const ROUNDS_A_LIFE = 3
const SLICE_SECONDS = 1
const CONNECTIONS = 16

/** What a slice showed: requests per second; nanoseconds of CPU time a request; of waiting, for all but one in a hundred. */
type Slice = { rate: number; cpu: number; p99: number }
/** One that has no slice only helps, and is stopped with the others. */
export type Contestant = { contender: Contender; slice?: () => Promise<Slice> }

/** One row: the first contestant's figures to the second's; a third shows how much of it is Node's own. */
export async function compareRequests(
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
  const all = Object.entries(slices)
  const [[first, ours], [second, theirs], third] = all as [[string, Slice[]], [string, Slice[]], [string, Slice[]]?]
  const figures: Row['figures'] = {}
  for (const [who, each] of all) figures[who] = perSecond(medianOf(each, 'rate'))
  for (const [who, each] of [[first, ours] as const, [second, theirs] as const]) {
    figures[`p99 ${who}`] = microseconds(medianOf(each, 'p99'))
  }
  figures.CPU = ratioOf(ours, theirs, 'cpu').toFixed(3)
  if (third !== undefined) figures[`CPU, ${third[0]}`] = ratioOf(third[1], theirs, 'cpu').toFixed(3)
  return { what, figures, ratio: ratioOf(ours, theirs, 'rate'), aim }
}

function medianOf(slices: readonly Slice[], figure: keyof Slice): number {
  return median(slices.map((slice) => slice[figure]))
}

function ratioOf(ours: readonly Slice[], theirs: readonly Slice[], figure: keyof Slice): number {
  const [one, other] = [ours, theirs].map((slices) => slices.map((slice) => slice[figure]))
  return pairedRatio(one as number[], other as number[])
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
    '--latency',
    ...['-H', `Connection: ${connection}`],
    `http://127.0.0.1:${port}/`,
  ])
  const [file, ...args] = insideByIp(name, load) as [string, ...string[]]
  const slice = async () => {
    const before = await contender.measure('cpu')
    const { stdout } = await promisify(execFile)(file, args)
    const cpu = (await contender.measure('cpu')) - before
    return {
      rate: found(/Requests\/sec: +([\d.]+)/, stdout),
      cpu: cpu / found(/(\d+) requests in/, stdout),
      p99: found(/99% +([\d.]+)us/, inMicroseconds(stdout)) * 1000,
    }
  }
  return { contender, slice }
}

/** A client of bench/child, which makes as many requests as it can for the time of a slice. */
export function startClient(stage: Stage, program: string[], atOnce = CONNECTIONS): Contestant {
  const contender = new Contender(stage, onCpu(0, program))
  const slice = async () => JSON.parse(await contender.ask(`${SLICE_SECONDS * 1000} ${atOnce}`)) as Slice
  return { contender, slice }
}

/** wrk writes 431.00us, 1.20ms or 2.01s. */
function inMicroseconds(text: string): string {
  return text.replace(/([\d.]+)(ms|s)\b/g, (_, value, unit) => `${Number(value) * (unit === 'ms' ? 1e3 : 1e6)}us`)
}

function found(pattern: RegExp, text: string): number {
  const [, value] = pattern.exec(text) ?? []
  if (value === undefined || /Socket errors/.test(text)) throw new Error(`wrk failed:\n${text}`)
  return Number(value)
}
