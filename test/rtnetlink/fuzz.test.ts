// The mutation fuzzer: recorded answers of a real kernel with bytes changed, cut and repeated. The decoder must end, with a
// value or with ERR_NSFD_MALFORMED, and what lies around the message must make no difference to what it says.
// NSFD_FUZZ_CASES: how many (CI: a million). NSFD_FUZZ_SEED: to repeat a run.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { forEachMessage, NLMSG_MIN_TYPE, readAcknowledgement } from '#dist/rtnetlink/codec/message.js'
import { readBridgeVlans } from '#dist/rtnetlink/objects/bridge-vlans.js'
import { readLink } from '#dist/rtnetlink/objects/link.js'
import { decode } from '#dist/rtnetlink/tables/messages.js'
import { recordings } from './recorded.js'

const CASES = Number(process.env.NSFD_FUZZ_CASES ?? 100_000)
const SEED = Number(process.env.NSFD_FUZZ_SEED ?? Date.now() % 2 ** 31)
const MARGIN = 64

/** Every message alone: a mutation at the front of a dump would hide all that follows. */
const messages = recordings.flatMap(({ bytes }) => {
  const each: Buffer[] = []
  forEachMessage(bytes, 0, bytes.length, ({ start, end }) => each.push(bytes.subarray(start - 16, end)))
  return each
})

it(`survives ${CASES} mutated messages (seed ${SEED})`, () => {
  const random = mulberry32(SEED)
  const outcomes = { decoded: 0, malformed: 0 }
  for (let i = 0; i < CASES; i++) {
    const mutant = mutate(messages[random(messages.length)] as Buffer, random)
    const among = [0x00, 0xff].map((filling) => read(surrounded(mutant, filling)))
    // deepStrictEqual itself costs ten times what decoding does.
    if (!isDeepStrictEqual(among[0], among[1])) {
      assert.deepEqual(among[0], among[1], `case ${i}: ${mutant.toString('hex')}`)
    }
    outcomes[among[0]?.malformed === undefined ? 'decoded' : 'malformed']++
  }
  // Both must happen often, or the mutations are too wild or too tame to find anything.
  assert.ok(outcomes.decoded > CASES / 10 && outcomes.malformed > CASES / 10, JSON.stringify(outcomes))
})

type Outcome = { values: unknown[]; malformed?: string }

function read({ bytes, start, end }: { bytes: Buffer; start: number; end: number }): Outcome {
  const values: unknown[] = []
  try {
    forEachMessage(bytes, start, end, (message) => {
      if (message.type < NLMSG_MIN_TYPE) {
        values.push(readAcknowledgement(bytes, message))
        return
      }
      const decoded = decode(message.type, bytes, message.start, message.end)
      values.push(decoded)
      values.push(readLink(message, bytes)?.toJSON())
      values.push(readBridgeVlans(message, bytes))
    })
    return { values }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_NSFD_MALFORMED') throw error
    return { values, malformed: (error as Error).message }
  }
}

/** The message in the middle of a larger buffer: an answer that changes with the filling was read from outside. */
function surrounded(message: Buffer, filling: number): { bytes: Buffer; start: number; end: number } {
  const bytes = Buffer.alloc(message.length + 2 * MARGIN, filling)
  message.copy(bytes, MARGIN)
  return { bytes, start: MARGIN, end: MARGIN + message.length }
}

type Random = (below: number) => number

function mutate(original: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original)
  for (let left = 1 + random(4); left > 0; left--)
    bytes = (MUTATIONS[random(MUTATIONS.length)] as Mutation)(bytes, random)
  // Most mutants have an honest outer length, or few would get past it.
  if (bytes.length >= 4 && random(8) > 0) bytes.writeUInt32LE(bytes.length, 0)
  return bytes
}

type Mutation = (bytes: Buffer, random: Random) => Buffer

const MUTATIONS: Mutation[] = [
  function setByte(bytes, random) {
    if (bytes.length > 0) bytes[random(bytes.length)] = random(256)
    return bytes
  },
  function flipBit(bytes, random) {
    const at = random(Math.max(1, bytes.length))
    if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << random(8))
    return bytes
  },
  function lieAboutLength(bytes, random) {
    if (bytes.length < 20) return bytes
    bytes.writeUInt16LE(
      [0, 1, 3, 4, 5, 0x7fff, 0xffff, random(64)][random(8)] as number,
      16 + 4 * random((bytes.length - 16) >> 2),
    )
    return bytes
  },
  function cut(bytes, random) {
    return bytes.subarray(0, random(bytes.length + 1))
  },
  function swapPart(bytes, random) {
    const other = messages[random(messages.length)] as Buffer
    const at = random(bytes.length + 1) & ~3
    return Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length) & ~3)])
  },
  function becomeOther(bytes, random) {
    if (bytes.length >= 6) bytes.writeUInt16LE(random(120), 4)
    return bytes
  },
]

/** A small generator with a seed, so that a failure can be repeated. */
function mulberry32(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}
