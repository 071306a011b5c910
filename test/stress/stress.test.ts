// Very many call trees in very many namespaces, while servers die, connections break and namespaces are closed in use.
//
// In the suite it is short and small. NSFD_STRESS=<seconds> (npm run test:stress: 60): 10,000 contexts, 50 namespaces.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import http from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Namespace } from '#dist/index.js'
import { needs } from '../support/needs.js'
import { descriptors, threadsAbroad } from '../support/state.js'
import { type DoomedReport, doom } from './doomed.js'
import { anyOperation, codeOf, EXPECTED_FAILURES, OPERATIONS, type Operation } from './operations.js'
import { freePorts, Side, startAll } from './sides.js'

const seconds = Number(process.env.NSFD_STRESS ?? 0)
const SCALE = seconds > 0 ? { contexts: 10_000, namespaces: 50, seconds } : { contexts: 500, namespaces: 8, seconds: 4 }
const SETTLE_MS = 20_000

type Tally = { asked: number; answers: Map<string, number>; failures: Map<string, number>; faults: string[] }

const { contexts, namespaces } = SCALE
const title = `${contexts} contexts in ${namespaces} namespaces and at home for ${SCALE.seconds} s, with failures`

test(title, { ...needs('admin', 'iproute2'), timeout: 600_000 }, async (t) => {
  const port = await freePorts()
  await warmUp(port)
  const before = openDescriptors()
  const threads = threadCount()

  const sides = [new Side(port), ...Array.from({ length: namespaces }, () => new Side(port, Namespace.create('net')))]
  const tally: Tally = { asked: 0, answers: new Map(), failures: new Map(), faults: [] }
  const doomed: DoomedReport = { answers: 0, refusals: 0, faults: [] }
  let restarts = 0
  const abroad = new Set<string>()
  try {
    await startAll(sides)
    const end = performance.now() + SCALE.seconds * 1000
    const over = () => performance.now() > end
    await Promise.all([
      ...Array.from({ length: contexts }, (_, n) => live(sides, n, port, tally, over)),
      ...lanes(over, async () => {
        await restartOne(sides)
        restarts++
      }),
      ...lanes(over, async () => add(doomed, await doom(port))),
      until(over, async () => {
        for (const thread of threadsAbroad()) abroad.add(thread)
        await sleep(200)
      }),
    ])
  } finally {
    await Promise.all(sides.map((side) => side.kill()))
    for (const { ns } of sides) ns?.close()
    http.globalAgent.destroy()
  }

  t.diagnostic(`${tally.asked} operations; ${restarts} servers killed; ${JSON.stringify(doomed)}`)
  for (const [what, count] of [...tally.answers, ...tally.failures].sort()) t.diagnostic(`${what}: ${count}`)
  assert.deepEqual(tally.faults.slice(0, 20), [], `${tally.faults.length} faults`)
  assert.deepEqual(doomed.faults.slice(0, 20), [], `${doomed.faults.length} faults in closed namespaces`)
  assert.deepEqual([...abroad], [], 'threads abroad')
  everythingHappened(sides, tally, doomed, restarts)
  await nothingLeaked(before, threads)
})

/** One context: asks its side in one way and another; a nested run goes elsewhere for one question. */
async function live(sides: Side[], n: number, port: number, tally: Tally, over: () => boolean): Promise<void> {
  const side = sides[n % sides.length] as Side
  await side.run(async () => {
    await sleep(Math.random() * 1000)
    while (!over()) {
      const elsewhere = Math.random() < 0.1 ? anyOf(sides.slice(1)) : side
      if (elsewhere === side) await ask(side, port, tally)
      else await elsewhere.run(() => ask(elsewhere, port, tally))
      await sleep(Math.random() * 1000)
    }
  })
}

async function ask(side: Side, port: number, tally: Tally): Promise<void> {
  const name = anyOperation()
  const operation = OPERATIONS[name] as Operation
  tally.asked++
  try {
    const answer = await operation.ask(port)
    // A connection cut before the first byte of a stream reads as an empty answer: the server was killed.
    if (answer === '') count(tally.failures, `${name}: cut off`)
    else if (answer !== side.word || !operation.answers) tally.faults.push(`${name} in ${side.word}: '${answer}'`)
    else for (const what of [name, side.word]) count(tally.answers, what)
  } catch (error) {
    const code = codeOf(error)
    count(tally.failures, `${name}: ${code}`)
    if (!EXPECTED_FAILURES.has(code)) tally.faults.push(`${name} in ${side.word}: ${code}: ${error}`)
  }
}

async function restartOne(sides: Side[]): Promise<void> {
  const side = anyOf(sides.filter(({ isUp }) => isUp))
  await side.kill()
  await sleep(Math.random() * 200)
  await side.start()
  await sleep(Math.random() * 500)
}

/** A test of failures that never happened would prove nothing. */
function everythingHappened(sides: Side[], { answers, failures }: Tally, doomed: DoomedReport, restarts: number): void {
  for (const { word } of sides) assert.ok((answers.get(word) ?? 0) > 0, `nobody was answered in ${word}`)
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (operation.answers) assert.ok((answers.get(name) ?? 0) > 0, `${name} was never answered`)
    else
      assert.ok(
        [...failures.keys()].some((each) => each.startsWith(name)),
        `${name} never happened`,
      )
  }
  assert.ok(restarts > 0 && doomed.answers > 0 && doomed.refusals > 0)
}

async function nothingLeaked(before: string[], threads: number): Promise<void> {
  const deadline = Date.now() + SETTLE_MS
  let left = openDescriptors()
  while (left.length > before.length && Date.now() < deadline) {
    await sleep(100)
    left = openDescriptors()
  }
  assert.deepEqual(left, before, 'descriptors leaked')
  assert.equal(threadCount(), threads, 'threads leaked')
  assert.deepEqual(threadsAbroad(), [])
}

/** Whatever is made once and kept is made now: libuv's threads, Node's signal pipe, nsfd's way home. */
async function warmUp(port: number): Promise<void> {
  const side = new Side(port, Namespace.create('net'))
  try {
    await side.start()
    for (const { ask } of Object.values(OPERATIONS)) {
      await side.run(() => ask(port)).catch(codeOf)
      await ask(port).catch(codeOf)
    }
  } finally {
    await side.kill()
    side.ns?.close()
  }
  http.globalAgent.destroy()
  await sleep(500) // connections to the killed server end
}

/** What every open descriptor is, without its number. */
function openDescriptors(): string[] {
  const targets = descriptors().map((line) => line.replace(/^\d+ -> /, ''))
  return targets.map((target) => target.replace(/^(socket|pipe):.*/, '$1')).sort()
}

function threadCount(): number {
  return readdirSync('/proc/self/task').length
}

/** Failures keep pace with the contexts, which slow them down. */
function lanes(over: () => boolean, work: () => Promise<unknown>): Promise<void>[] {
  return Array.from({ length: Math.ceil(SCALE.namespaces / 8) }, () => until(over, work))
}

async function until(over: () => boolean, work: () => Promise<unknown>): Promise<void> {
  while (!over()) await work()
}

function add(sum: DoomedReport, { answers, refusals, faults }: DoomedReport): void {
  sum.answers += answers
  sum.refusals += refusals
  sum.faults.push(...faults)
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

function anyOf<T>(list: T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T
}
