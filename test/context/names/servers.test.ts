import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolve } from '#dist/context/names/index.js'
import { encodeReply, type Said, startServer, zone } from './server.js'
import { failure, sourceOf, TestRoot } from './support.js'

const answer = (data: string) => (question: { name: string }) => ({
  answers: [{ name: question.name, type: 'A' as const, ttl: 60, data }],
})
const many = Array.from({ length: 300 }, (_, i) => ({
  name: 'big.example',
  type: 'A' as const,
  ttl: 60,
  data: `10.0.${i >> 8}.${i & 255}`,
}))

describe('a query', () => {
  it('is answered only by its own server, id, question and kind of message', async () => {
    await using server = await startServer(({ packet }) => {
      const lie = { answers: [{ name: 'a.example', type: 'A' as const, ttl: 60, data: '10.6.6.6' }] }
      const question = (name: string, type: 'A' | 'AAAA' = 'A') => [{ name, type, class: 'IN' as const }]
      const forged = [
        encodeReply({ ...packet, id: (packet.id ?? 0) ^ 1 }, lie),
        encodeReply({ ...packet, questions: question('b.example') }, lie),
        encodeReply({ ...packet, questions: question('a.example', 'AAAA') }, lie),
        encodeReply({ ...packet, questions: [] }, lie),
        encodeReply({ ...packet, questions: [...question('a.example'), ...question('a.example')] }, lie),
      ]
      const query = encodeReply(packet, lie)
      query[2] = (query[2] as number) & 0x7f
      const update = encodeReply(packet, lie)
      update[2] = (update[2] as number) | 0x28
      const short = [Buffer.alloc(0), Buffer.alloc(1), encodeReply(packet, lie).subarray(0, 11)]
      return {
        bytes: [...forged, query, update, ...short, encodeReply(packet, answer('10.0.0.1')({ name: 'a.example' }))],
      }
    })
    using root = new TestRoot()
    assert.deepEqual(await resolve(sourceOf(root, [server]), 'a.example'), ['10.0.0.1'])
  })

  it('is not answered by what a reply says about other names', async () => {
    await using server = await startServer(() => ({
      answers: [
        { name: 'bank.example', type: 'A', ttl: 60, data: '10.6.6.6' },
        { name: 'other.example', type: 'CNAME', ttl: 60, data: 'bank.example' },
      ],
    }))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    assert.equal((await failure(resolve(source, 'a.example'))).code, 'ENODATA')
    assert.equal((await failure(resolve(source, 'a.example', 'CNAME'))).code, 'ENODATA')
  })

  it('ends where aliases lead in a circle or on for ever', async () => {
    const alias = (name: string, data: string) => ({ name, type: 'CNAME' as const, ttl: 60, data })
    await using server = await startServer(({ name }) => ({
      answers:
        name === '0.x'
          ? Array.from({ length: 500 }, (_, i) => alias(`${i}.x`, `${i + 1}.x`))
          : [alias(name, 'b.example'), alias('b.example', name), { name: 'x', type: 'A', ttl: 60, data: '10.0.0.1' }],
    }))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    assert.equal((await failure(resolve(source, 'a.example'))).code, 'ENODATA')
    assert.deepEqual(await resolve(source, '0.x', 'A'), [])
  })

  it('has a random id and leaves from another port each time', async () => {
    await using server = await startServer(answer('10.0.0.1'))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    for (let i = 0; i < 30; i++) await resolve(source, `${i}.example`)
    assert.ok(new Set(server.questions.map(({ packet }) => packet.id)).size > 25)
    assert.ok(new Set(server.from.map(({ port }) => port)).size > 25)
  })

  it('goes by a stream where the datagram was cut short, or where resolv.conf says use-vc', async () => {
    await using server = await startServer(({ via }) => ({
      answers: via === 'tcp' ? many : [],
      truncated: via === 'udp',
    }))
    using root = new TestRoot()
    assert.equal(((await resolve(sourceOf(root, [server]), 'big.example')) as string[]).length, 300)
    assert.deepEqual(
      server.questions.map(({ via }) => via),
      ['udp', 'tcp'],
    )
    using streams = new TestRoot({ 'etc/resolv.conf': 'options use-vc\n' })
    assert.equal(((await resolve(sourceOf(streams, [server]), 'big.example')) as string[]).length, 300)
    assert.deepEqual(
      server.questions.map(({ via }) => via),
      ['udp', 'tcp', 'tcp'],
    )
  })

  for (const [what, said] of [
    ['ends before the reply does', { cut: true }],
    ['is cut short as well', { truncated: true }],
    ['carries the reply to another question', { bytes: [Buffer.alloc(40)] }],
  ] as const) {
    it(`fails with EBADRESP where the stream ${what}`, async () => {
      await using server = await startServer(({ via }) => (via === 'udp' ? { truncated: true } : (said as Said)))
      using root = new TestRoot({ 'etc/resolv.conf': 'options attempts:1\n' })
      assert.equal((await failure(resolve(sourceOf(root, [server]), 'big.example'))).code, 'EBADRESP')
      assert.deepEqual(
        server.questions.map(({ via }) => via),
        ['udp', 'tcp'],
      )
    })
  }

  it('offers EDNS where resolv.conf says edns0, and takes it back from a server that does not know it', async () => {
    const offers = (packet: { additionals?: { type: string }[] | undefined }) =>
      packet.additionals?.some(({ type }) => type === 'OPT')
    await using server = await startServer((question) =>
      offers(question.packet) ? { rcode: 1 } : answer('10.0.0.1')(question),
    )
    using root = new TestRoot({ 'etc/resolv.conf': 'options edns0\n' })
    assert.deepEqual(await resolve(sourceOf(root, [server]), 'a.example'), ['10.0.0.1'])
    assert.deepEqual(
      server.questions.map(({ packet }) => offers(packet)),
      [true, false],
    )
    using plain = new TestRoot()
    await resolve(sourceOf(plain, [server]), 'a.example')
    assert.equal(offers(server.questions[2]?.packet ?? {}), false)
  })

  it('leaves from the local address it is told to', async () => {
    await using server = await startServer(answer('10.0.0.1'))
    using root = new TestRoot()
    await resolve(sourceOf(root, [server]), 'a.example', 'A', { localAddress4: '127.0.0.9' })
    assert.equal(server.from[0]?.address, '127.0.0.9')
  })
})

describe('servers', () => {
  const silent = () => undefined
  const refusing = (): Said => ({ rcode: 5 })

  for (const [how, behaviour] of [
    ['do not answer', silent],
    ['refuse', refusing],
  ] as const) {
    it(`that ${how} are passed over for the next, and asked again as often as attempts say`, async () => {
      await using first = await startServer(behaviour)
      await using second = await startServer(answer('10.0.0.2'))
      using root = new TestRoot({ 'etc/resolv.conf': 'options timeout:1 attempts:3' })
      assert.deepEqual(await resolve(sourceOf(root, [first, second]), 'a.example'), ['10.0.0.2'])
      second.behave(behaviour)
      const { code } = await failure(resolve(sourceOf(root, [first, second]), 'a.example', 'A', { timeout: 50 }))
      assert.equal(code, behaviour === silent ? 'ETIMEOUT' : 'EREFUSED')
      assert.equal(first.questions.length, 1 + 3)
    })
  }

  it('that say a name does not exist are believed, and no other is asked', async () => {
    await using first = await startServer(zone([]))
    await using second = await startServer(answer('10.0.0.2'))
    using root = new TestRoot()
    assert.equal((await failure(resolve(sourceOf(root, [first, second]), 'a.example'))).code, 'ENOTFOUND')
    assert.equal(second.questions.length, 0)
  })

  it('take turns where resolv.conf says rotate', async () => {
    await using first = await startServer(answer('10.0.0.1'))
    await using second = await startServer(answer('10.0.0.2'))
    using root = new TestRoot({ 'etc/resolv.conf': 'options rotate' })
    const source = sourceOf(root, [first, second])
    for (let i = 0; i < 10; i++) await resolve(source, `${i}.example`)
    assert.deepEqual([first.questions.length, second.questions.length], [5, 5])
  })

  it('may be reached over IPv6', async () => {
    await using server = await startServer(answer('10.0.0.1'), '::1')
    using root = new TestRoot()
    assert.deepEqual(await resolve(sourceOf(root, [server]), 'a.example'), ['10.0.0.1'])
  })

  it('that may not be sent to fail at once with ECONNREFUSED', async () => {
    using root = new TestRoot()
    // Sending to a broadcast address takes a socket option that no resolver sets: EACCES from connect(2).
    const dark = { address: '255.255.255.255', port: 53 }
    const started = performance.now()
    assert.equal((await failure(resolve(sourceOf(root, [dark]), 'a.example'))).code, 'ECONNREFUSED')
    assert.ok(performance.now() - started < 1000)
  })

  it('leave no socket and no timer behind, whatever they did', async () => {
    const pause = () => new Promise((done) => setTimeout(done, 50))
    const open = () =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => /UDP|TCPSocket|Timeout/.test(kind))
        .sort()
    await using server = await startServer(silent)
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    await pause() // What earlier tests closed is listed until it is gone.
    const before = open()
    const behaviours = [
      silent,
      refusing,
      () => ({ truncated: true }),
      answer('10.0.0.1'),
      () => ({ bytes: [Buffer.alloc(3)] }),
    ]
    for (const behaviour of behaviours) {
      server.behave(behaviour)
      const asked = Array.from({ length: 5 }, () => resolve(source, 'a.example', 'A', { timeout: 60, tries: 1 }))
      await Promise.allSettled(asked)
    }
    await pause()
    assert.deepEqual(open(), before)
  })
})
