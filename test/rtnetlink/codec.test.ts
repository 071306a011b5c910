// The codec: what the tables encode they decode, what the kernel sent they keep to the last byte, and nothing is read outside.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { forEachMessage, NLMSG_MIN_TYPE, readAcknowledgement } from '#dist/rtnetlink/codec/message.js'
import {
  be16,
  bool,
  bytes,
  flag,
  hwaddr,
  ip,
  named,
  s32,
  str,
  u8,
  u16,
  u32,
  u64,
  vector,
} from '#dist/rtnetlink/codec/scalars.js'
import { pad, struct, structs } from '#dist/rtnetlink/codec/struct.js'
import { dependent, headed, nested, repeated, table } from '#dist/rtnetlink/codec/table.js'
import { Writer } from '#dist/rtnetlink/codec/writer.js'
import { decode, type SHAPES, shapeOf } from '#dist/rtnetlink/tables/messages.js'
import { recording, recordings } from './recorded.js'

const inner = table('inner', { I_NUMBER: [1, u32], I_TEXT: [2, str] })
const head = struct('head', { kind: u8, __pad: pad(1), port: be16, index: s32 })
const everything = table('everything', {
  A_U8: [1, u8],
  A_U16: [2, u16],
  A_U32: [3, u32],
  A_S32: [4, s32],
  A_U64: [5, u64],
  A_BE16: [6, be16],
  A_BOOL: [7, bool],
  A_FLAG: [8, flag],
  A_TEXT: [9, str],
  A_BYTES: [10, bytes],
  A_MAC: [11, hwaddr],
  A_IP: [12, ip],
  A_MODE: [13, named(u8, { off: 0, on: 1 })],
  A_NEST: [14, nested(inner)],
  A_MANY: [15, repeated(nested(inner))],
  A_HEADED: [16, headed(head, inner)],
  A_STRUCTS: [17, structs(head)],
  A_NUMBERS: [18, vector(s32)],
  A_KIND: [19, str],
  A_DATA: [20, dependent('A_KIND', { inner: nested(inner), mac: hwaddr }, bytes)],
})

const text = fc.string({ maxLength: 40 }).filter((s) => !s.includes('\0') && Buffer.from(s).toString() === s)
const plain = fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each))
const innerValue = fc.record(
  { I_NUMBER: fc.nat(0xffffffff), I_TEXT: text },
  { requiredKeys: [], noNullPrototype: true },
)
const headValue = fc.record({ kind: fc.nat(255), port: fc.nat(65535), index: fc.integer() }, { noNullPrototype: true })
const mac = fc
  .uint8Array({ minLength: 1, maxLength: 32 })
  .map((each) => [...each].map((byte) => byte.toString(16).padStart(2, '0')).join(':'))
const unknown = fc.array(
  fc.record({ type: fc.integer({ min: 40, max: 0x3fff }), bytes: plain }, { noNullPrototype: true }),
  {
    minLength: 1,
    maxLength: 3,
  },
)
const value = fc.record(
  {
    A_U8: fc.nat(255),
    A_U16: fc.nat(0xffff),
    A_U32: fc.nat(0xffffffff),
    A_S32: fc.integer(),
    A_U64: fc.maxSafeNat(),
    A_BE16: fc.nat(0xffff),
    A_BOOL: fc.boolean(),
    A_FLAG: fc.constant(true as const),
    A_TEXT: text,
    A_BYTES: plain,
    A_MAC: mac,
    A_IP: fc.oneof(fc.ipV4(), fc.constant('2001:db8::1')),
    A_MODE: fc.oneof(fc.constantFrom('off', 'on'), fc.integer({ min: 2, max: 255 })),
    A_NEST: innerValue,
    A_MANY: fc.array(innerValue, { minLength: 1, maxLength: 4 }),
    A_HEADED: fc.tuple(headValue, innerValue).map(([header, rest]) => ({ header, ...rest })),
    A_STRUCTS: fc.array(headValue, { maxLength: 4 }),
    A_NUMBERS: fc.array(fc.integer(), { maxLength: 9 }),
    unknown,
  },
  { requiredKeys: [], noNullPrototype: true },
)
const dependents = fc.oneof(
  fc.record({ A_KIND: fc.constant('inner'), A_DATA: innerValue }, { noNullPrototype: true }),
  fc.record({ A_KIND: fc.constant('mac'), A_DATA: mac }, { noNullPrototype: true }),
  fc.record({ A_KIND: fc.constant('other'), A_DATA: plain }, { noNullPrototype: true }),
  fc.constant({}),
)

function encode<V>(of: { encode(writer: Writer, value: V): void }, value: V): Buffer {
  const writer = new Writer(16)
  of.encode(writer, value)
  return writer.copy()
}

describe('the codec', () => {
  it('decodes what it encoded, whatever the values', () => {
    const all = fc.tuple(value, dependents).map(([some, more]) => ({ ...some, ...more }))
    fc.assert(
      fc.property(all, (given) => {
        const message = encode(everything, given as never)
        assert.equal(message.length % 4, 0)
        assert.deepEqual(everything.decode(message, 0, message.length), given)
      }),
      { numRuns: 3000 },
    )
  })

  it('names the attribute at a byte, through all nesting', () => {
    const message = encode(everything, {
      A_U8: 7,
      A_KIND: 'inner',
      A_DATA: { I_NUMBER: 1, I_TEXT: 'xyzzy' },
      A_HEADED: { header: {}, I_NUMBER: 2 },
    })
    const places = Array.from({ length: message.length }, (_, at) => everything.locate(message, 0, message.length, at))
    const inOrder = places.filter((place, i) => place !== undefined && place !== places[i - 1])
    const headed = ['A_HEADED', 'A_HEADED.I_NUMBER']
    assert.deepEqual([...new Set(inOrder)], ['A_U8', 'A_KIND', 'A_DATA', 'A_DATA.I_NUMBER', 'A_DATA.I_TEXT', ...headed])
  })

  it('refuses to encode what a type cannot hold, and names the attribute', () => {
    const bad: [string, unknown][] = [
      ['A_U8', 256],
      ['A_U8', -1],
      ['A_U16', 1.5],
      ['A_U32', '1'],
      ['A_U32', 2 ** 32],
      ['A_S32', 2 ** 31],
      ['A_U64', -1],
      ['A_U64', 2 ** 53],
      ['A_BOOL', 1],
      ['A_FLAG', false],
      ['A_TEXT', 'a\0b'],
      ['A_BYTES', 'text'],
      ['A_MAC', '02:00:00:00:00'.padEnd(200, ':00')],
      ['A_MAC', '2:0:0:0:0:1'],
      ['A_MAC', 'zz:00:00:00:00:01'],
      ['A_IP', '1.2.3'],
      ['A_MODE', 'maybe'],
      ['A_NEST', 5],
      ['A_MANY', {}],
      ['A_STRUCTS', 'x'],
      ['A_NUMBERS', 3],
      ['NO_SUCH', 1],
    ]
    for (const [name, wrong] of bad) {
      assert.throws(
        () => encode(everything, { [name]: wrong } as never),
        (error: NodeJS.ErrnoException) => error.code === 'ERR_INVALID_ARG_VALUE' && /everything/.test(error.message),
        `${name} = ${String(wrong)}`,
      )
    }
    assert.throws(() => encode(inner, { I_TEXT: 'x'.repeat(70_000) }), RangeError)
  })

  it('keeps every attribute of the kernel, and encodes a message again as it was', () => {
    let messages = 0
    for (const { name, bytes: recorded } of recordings) {
      if (name === 'refusal') continue
      forEachMessage(recorded, 0, recorded.length, (message) => {
        if (message.type < NLMSG_MIN_TYPE) return
        messages++
        const family = recorded[message.start] as number
        const shape = shapeOf(message.type, family) as (typeof SHAPES)['link']
        const start = message.start + ((shape.header.size + 3) & ~3)
        const attributes = shape.attributes.decode(recorded, start, message.end)
        const again = encode(shape.attributes, attributes)
        assert.deepEqual(outline(again, 0, again.length), outline(recorded, start, message.end), `${name} ${messages}`)
        assert.deepEqual(shape.attributes.decode(again, 0, again.length), attributes, `${name} ${messages}`)
      })
    }
    assert.ok(messages > 50, `${messages} messages`)
  })

  it('leaves no attribute of this kernel without a name', () => {
    const nameless = new Set<string>()
    for (const { name, bytes: recorded } of recordings) {
      forEachMessage(recorded, 0, recorded.length, ({ type, start, end }) => {
        const message = type < NLMSG_MIN_TYPE ? undefined : decode(type, recorded, start, end)
        for (const { type } of (message?.attributes.unknown ?? []) as { type: number }[])
          nameless.add(`${name} ${type}`)
      })
    }
    assert.deepEqual([...nameless], [])
  })

  it('reads what the kernel says about a refusal', () => {
    const bytes = recording('refusal')
    forEachMessage(bytes, 0, bytes.length, (message) => {
      const { errno, message: said } = readAcknowledgement(bytes, message)
      assert.deepEqual({ errno, said }, { errno: 95, said: 'Unknown device type' })
    })
  })

  it('stops at lengths that lie', () => {
    const malformed = { code: 'ERR_NSFD_MALFORMED' }
    const good = encode(inner, { I_NUMBER: 1, I_TEXT: 'x' })
    for (const length of [0, 1, 3, 9, 200, 0xffff]) {
      const lying = Buffer.from(good)
      lying.writeUInt16LE(length, 0)
      if (length === 9) continue // an odd length is no lie: padding follows
      assert.throws(() => inner.decode(lying, 0, lying.length), malformed, `attribute of ${length}`)
    }
    const links = recording('links')
    for (const length of [0, 15, links.length + 1, 0xffffffff]) {
      const lying = Buffer.from(links)
      lying.writeUInt32LE(length, 0)
      assert.throws(() => forEachMessage(lying, 0, lying.length, () => {}), malformed, `message of ${length}`)
    }
    assert.throws(() => forEachMessage(links, 0, 15, () => {}), malformed)
    assert.throws(() => inner.decode(Buffer.from([6, 0, 1, 0, 1, 2, 0, 0]), 0, 8), malformed)
  })
})

/** The attributes of a message by number and length, in any order. */
function outline(bytes: Buffer, start: number, end: number): string[] {
  const attributes: string[] = []
  for (let at = start; end - at >= 4; ) {
    const length = bytes.readUInt16LE(at)
    attributes.push(`${bytes.readUInt16LE(at + 2) & 0x3fff}: ${length}`)
    at += (length + 3) & ~3
  }
  return attributes.sort()
}
