// The experiment every library goes through: a thousand requests over two sides, in no order, and some at home.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Side, Sides } from './sides.js'

export type Experiment = {
  /** Asks the server of that side who it is. */
  ask(side: Side, n: number): Promise<string>
  /** What that side's server answers; its name unless told. */
  expected?(side: Side): string
  /** The same request at home, where nothing listens: must fail. */
  askAtHome(n: number): Promise<unknown>
  /** Whether that error says so; ECONNREFUSED somewhere in it unless told. */
  wasRefused?(error: unknown): boolean
  requests?: number
  /** How many are under way at the same time. */
  lanes?: number
}

/** @returns how many answers came from each side; all of them were right. */
export async function interleave(sides: Sides, experiment: Experiment): Promise<Record<'red' | 'blue', number>> {
  const { ask, askAtHome, expected = (side: Side) => side.name, requests = 1000, lanes = 20 } = experiment
  const refused = experiment.wasRefused ?? wasRefused
  const answers = { red: 0, blue: 0 }
  const wrong: string[] = []
  let refusedAtHome = 0
  let next = 0
  const lane = async () => {
    while (next < requests) {
      const n = next++
      const side = sides.both[Math.random() < 0.5 ? 0 : 1] as Side
      const answer = await ask(side, n)
      if (answer === expected(side)) answers[side.name]++
      else wrong.push(`request ${n} to ${side.name} was answered by ${inspect(answer)}`)
      if (n % 20 !== 0) continue
      await assert.rejects(askAtHome(n), refused, `request ${n} at home was answered`)
      refusedAtHome++
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  assert.deepEqual(wrong, [])
  assert.equal(answers.red + answers.blue, requests)
  assert.ok(Math.min(answers.red, answers.blue) > requests / 3, `not interleaved: ${inspect(answers)}`)
  assert.equal(refusedAtHome, Math.ceil(requests / 20))
  return answers
}

/** Libraries wrap it, each in its own way. */
export function wasRefused(error: unknown): true {
  assert.match(inspect(error, { depth: 5 }), /ECONNREFUSED/)
  return true
}

type UseByTurns<C> = <T>(side: Side, n: number, use: (client: C) => T) => T

/**
 * A client made for each side, and the ways to use it, by turns: inside run; through bind, at home; through bind, while
 * the caller is on the other side.
 */
export function usedByTurns<C extends object>(
  sides: Sides,
  make: (side: Side) => C,
  close: (client: C) => unknown,
): UseByTurns<C> {
  const clients = new Map(
    sides.both.map((side) => {
      const plain = side.ns.run(() => make(side))
      sides.atEnd(() => side.ns.run(() => close(plain)))
      return [side, { plain, bound: side.ns.bind(plain) }]
    }),
  )
  return (side, n, use) => {
    const { plain, bound } = clients.get(side) as { plain: C; bound: C }
    if (n % 3 === 0) return side.ns.run(() => use(plain))
    if (n % 3 === 1) return use(bound)
    return side.other.ns.run(() => use(bound))
  }
}
