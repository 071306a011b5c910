import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { describe, it } from 'node:test'
import dnsPacket, { type Answer } from 'dns-packet'
import { resolve } from '#dist/context/names/index.js'
import { encodeQuery, freshId, type Query, readReply } from '#dist/context/names/message.js'
import { Malformed, Reader } from '#dist/context/names/reader.js'
import { encodeReply, startServer } from './server.js'
import { failure, sourceOf, TestRoot } from './support.js'

const CASES = Number(process.env.NSFD_FUZZ ?? 100_000)
const soa = { mname: 'ns.x', rname: 'a\\.b.x', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 }
const ANSWERS: Answer[] = [
  { name: 'a.x', type: 'CNAME', ttl: 5, data: 'b.x' },
  { name: 'b.x', type: 'A', ttl: 5, data: '10.0.0.1' },
  { name: 'b.x', type: 'AAAA', ttl: 5, data: 'fd00::1' },
  { name: 'b.x', type: 'TXT', ttl: 5, data: ['one', 'two'] },
  { name: 'b.x', type: 'SRV', ttl: 5, data: { priority: 1, weight: 2, port: 3, target: 'c.x' } },
  { name: 'b.x', type: 'CAA', ttl: 5, data: { flags: 1, tag: 'issue', value: 'v' } },
  { name: 'b.x', type: 'SOA', ttl: 5, data: soa },
]

function replyBytes(query: Query): Buffer {
  return encodeReply(dnsPacket.decode(query.bytes), { answers: ANSWERS, authorities: ANSWERS.slice(-1) })
}

/** A reply to a query for a.x: header, question, then records as bytes. */
function handmade(query: Query, records: Buffer[]): Buffer {
  const header = Buffer.from(replyBytes(query).subarray(0, 12))
  header.writeUInt16BE(records.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, query.bytes.subarray(12), ...records])
}

function record(type: number, data: Buffer, { name = Buffer.from([0xc0, 12]), length = data.length } = {}): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(60, 4)
  fixed.writeUInt16BE(length, 8)
  return Buffer.concat([name, fixed, data])
}

describe('a reply', () => {
  const query = encodeQuery(freshId(), 'a.x', 'A', false)

  it(`changed in ${CASES} ways is read, passed over or called malformed, and never anything else`, () => {
    const original = replyBytes(query)
    assert.equal(readReply(original, query)?.answers.length, ANSWERS.length)
    const outcomes = { read: 0, passedOver: 0, malformed: 0 }
    for (let i = 0; i < CASES; i++) {
      const bytes = mutated(original)
      try {
        outcomes[readReply(bytes, query) === undefined ? 'passedOver' : 'read']++
      } catch (error) {
        assert.ok(error instanceof Malformed, `${bytes.toString('hex')}: ${(error as Error).stack}`)
        outcomes.malformed++
      }
    }
    for (const [outcome, count] of Object.entries(outcomes)) assert.ok(count > CASES / 100, `${outcome}: ${count}`)
  })

  it('whose records do not have the length of their data is malformed', () => {
    const bad: [string, Buffer][] = [
      ['an address of 3 bytes', record(1, Buffer.alloc(3))],
      ['an address of 5 bytes', record(1, Buffer.alloc(5))],
      ['an IPv6 address of 4 bytes', record(28, Buffer.alloc(4))],
      ['data beyond the end', record(1, Buffer.alloc(4), { length: 5 })],
      ['a text longer than its record', record(16, Buffer.from([5, 0x41]))],
      ['a name that runs out of its record', record(5, Buffer.from([1, 0x41]))],
      ['bytes behind a name', record(5, Buffer.from([0, 0]))],
      ['a pointer to itself', record(1, Buffer.alloc(4), { name: Buffer.from([0xc0, 12 + 9]) })],
      ['a pointer forward', record(1, Buffer.alloc(4), { name: Buffer.from([0xc0, 200]) })],
      [
        'a label of 64 bytes',
        record(1, Buffer.alloc(4), { name: Buffer.concat([Buffer.from([64]), Buffer.alloc(65)]) }),
      ],
    ]
    for (const [what, bytes] of bad) {
      assert.throws(() => readReply(handmade(query, [bytes]), query), Malformed, what)
    }
    assert.equal(readReply(handmade(query, [record(1, Buffer.alloc(4))]), query)?.answers.length, 1)
  })

  it('with records of unknown types is read past them', () => {
    const reply = readReply(
      handmade(query, [record(65, randomBytes(20)), record(1, Buffer.from([10, 0, 0, 1]))]),
      query,
    )
    assert.deepEqual(
      reply?.answers.map(({ data }) => data),
      ['10.0.0.1'],
    )
  })

  it('of 64 KiB made of pointers to pointers is refused in less than a second', () => {
    const chain = Buffer.alloc(32_000)
    const start = query.bytes.length + 12
    // Its first two bytes are a root name, so that every pointer leads to a name in the end.
    for (let at = 2; at < chain.length; at += 2) chain.writeUInt16BE(0xc000 | Math.min(start + at - 2, 0x3fff), at)
    const far = Buffer.alloc(2)
    far.writeUInt16BE(0xc000 | (start + 2 * 8000))
    const records = [
      record(10, chain),
      ...Array.from({ length: 2000 }, () => record(1, Buffer.alloc(4), { name: far })),
    ]
    const started = performance.now()
    assert.throws(() => readReply(handmade(query, records), query), Malformed)
    assert.ok(performance.now() - started < 1000)
  })

  it('has odd bytes in names escaped, so that no name can pass for another', () => {
    const name = Buffer.from([3, 0x61, 0x2e, 0x62, 2, 0, 0xff, 0])
    assert.equal(new Reader(name).name(), 'a\\.b.\\000\\255')
  })

  it('that is malformed is the failure of its server: the next is asked, and the last one makes it EBADRESP', async () => {
    await using bad = await startServer(({ packet }) => {
      const bytes = encodeReply(packet, { answers: [{ name: 'a.x', type: 'A', data: '10.6.6.6' }] })
      return { bytes: [bytes.subarray(0, -1)] }
    })
    await using good = await startServer(() => ({ answers: [{ name: 'a.x', type: 'A', data: '10.0.0.1' }] }))
    using root = new TestRoot()
    assert.deepEqual(await resolve(sourceOf(root, [bad, good]), 'a.x'), ['10.0.0.1'])
    assert.equal((await failure(resolve(sourceOf(root, [bad]), 'a.x'))).code, 'EBADRESP')
  })

  it('changed in any way on its way from a server ends the query with an answer or one of its errors', async () => {
    await using server = await startServer(({ packet }) => {
      const bytes = encodeReply(packet, { answers: ANSWERS.map((answer) => ({ ...answer, name: 'a.x' })) })
      return { bytes: [mutated(bytes), mutated(bytes)] }
    })
    using root = new TestRoot()
    const codes = new Set<unknown>()
    for (let i = 0; i < 300; i++) {
      const settled = await resolve(sourceOf(root, [server]), 'a.x', 'TXT', { timeout: 20, tries: 1 }).catch(
        (error) => error,
      )
      if (settled instanceof Error) codes.add((settled as NodeJS.ErrnoException).code)
    }
    const allowed = /^E(TIMEOUT|BADRESP|NODATA|NOTFOUND|SERVFAIL|REFUSED|FORMERR|NOTIMP|CONNREFUSED)$/
    for (const code of codes) assert.match(String(code), allowed)
  })
})

/** Some bytes changed, cut, doubled or inserted; the id and the question mostly left alone. */
function mutated(original: Buffer): Buffer {
  let bytes = Buffer.from(original)
  const from = randomInt(10) === 0 ? 0 : 4
  for (let changes = randomInt(1, 4); changes > 0; changes--) {
    const at = randomInt(from, bytes.length)
    const kind = randomInt(8)
    if (kind < 4) bytes[at] = randomInt(256)
    else if (kind === 4) bytes[at] = 0xc0
    else if (kind === 5) bytes = bytes.subarray(0, Math.max(at, 5))
    else if (kind === 6)
      bytes = Buffer.concat([bytes.subarray(0, at), randomBytes(randomInt(1, 9)), bytes.subarray(at)])
    else bytes = Buffer.concat([bytes, bytes.subarray(at)])
  }
  return bytes
}
