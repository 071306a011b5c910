// Time to run `true` in a container: by spawn, by nsfd enter, and by the tools people use. Alternating in one run.
// Needs root and a docker engine; with scripts/ci-engines.sh everything is there. `node build/bench/container.js [--json]`
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openTarget } from 'nsfd'

const ROUNDS = Number(process.env.NSFD_BENCH_ROUNDS ?? 40)
const IMAGE = 'nsfd.local/busybox:1'
const NAME = `nsfd-bench-${process.pid}`
const MAIN = fileURLToPath(import.meta.resolve('#dist/cli/nsfd.cjs'))

type Way = { name: string; run: () => Promise<unknown>; rounds?: number }

async function main(): Promise<void> {
  if (!works('docker', 'image', 'inspect', IMAGE)) {
    process.stdout.write('Skipped: no docker engine with its test image here (scripts/ci-engines.sh).\n')
    return
  }
  const ctr = works('ctr', 'version')
  execFileSync('docker', ['run', '--detach', '--network=none', '--name', NAME, IMAGE], { stdio: 'ignore' })
  if (ctr) execFileSync('ctr', ['run', '--detach', IMAGE, NAME, 'sleep', '1000000'], { stdio: 'ignore' })
  try {
    using target = await openTarget(`docker:${NAME}`)
    const pid = String(target.pid)
    let count = 0
    const ways: Way[] = [
      { name: 'spawn(target)', run: () => ended(target.spawn('true', [], { stdio: 'ignore' })) },
      {
        name: 'spawn(target), no cgroup',
        run: () => ended(target.spawn('true', [], { stdio: 'ignore', cgroup: false })),
      },
      { name: 'nsenter, from Node', run: () => command('nsenter', '--target', pid, '--all', 'true') },
      { name: 'true, from Node', run: () => command('true') },
      { name: 'node -e 0', run: () => command(process.execPath, '-e', '0') },
      { name: 'nsfd enter', run: () => command(process.execPath, MAIN, 'enter', `docker:${NAME}`, '--', 'true') },
      { name: 'docker exec', run: () => command('docker', 'exec', NAME, 'true') },
    ]
    const execute = () => command('ctr', 'task', 'exec', '--exec-id', `e${count++}`, NAME, 'true')
    if (ctr) ways.push({ name: 'ctr task exec', run: execute })
    report(await measure(ways))
  } finally {
    execFileSync('docker', ['rm', '--force', NAME], { stdio: 'ignore' })
    if (ctr) {
      execFileSync('ctr', ['task', 'rm', '--force', NAME], { stdio: 'ignore' })
      execFileSync('ctr', ['container', 'rm', NAME], { stdio: 'ignore' })
    }
  }
}

/** Milliseconds of each round, the ways one after the other within a round. */
async function measure(ways: Way[]): Promise<Map<string, number[]>> {
  const times = new Map(ways.map(({ name }) => [name, [] as number[]]))
  for (let round = -3; round < ROUNDS; round++) {
    for (const { name, run } of ways) {
      const begun = performance.now()
      await run()
      if (round >= 0) times.get(name)?.push(performance.now() - begun)
    }
  }
  return times
}

function report(times: Map<string, number[]>): void {
  const rows = [...times].map(([name, all]) => ({ name, median: median(all), least: Math.min(...all) }))
  const of = (name: string) => rows.find((row) => row.name === name)?.median ?? Number.NaN
  const ratios = {
    'spawn / nsenter': of('spawn(target)') / of('nsenter, from Node'),
    'docker exec / spawn': of('docker exec') / of('spawn(target)'),
    'nsfd enter - node, ms': of('nsfd enter') - of('node -e 0'),
    'nsfd enter / docker exec': of('nsfd enter') / of('docker exec'),
  }
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ rows, ratios }, null, 2)}\n`)
    return
  }
  process.stdout.write(`Running true in a container, milliseconds, ${ROUNDS} rounds, Node ${process.version}\n`)
  for (const { name, median, least } of rows) {
    process.stdout.write(
      `  ${name.padEnd(26)} median ${median.toFixed(2).padStart(7)}   least ${least.toFixed(2).padStart(7)}\n`,
    )
  }
  for (const [name, ratio] of Object.entries(ratios)) process.stdout.write(`  ${name.padEnd(26)} ${ratio.toFixed(2)}\n`)
}

function median(all: number[]): number {
  return all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN
}

function command(name: string, ...args: string[]): Promise<unknown> {
  return ended(spawn(name, args, { stdio: 'ignore' }))
}

async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`)
}

function works(name: string, ...args: string[]): boolean {
  return spawnSync(name, args, { stdio: 'ignore' }).status === 0
}

await main()
