import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cache } from '#dist/context/names/cache.js'
import { forgetNames, lookup, type NameSource, resolve } from '#dist/context/names/index.js'
import { startServer, zone } from './server.js'
import { failure, freshId, sourceOf, TestRoot } from './support.js'

const DAY = 86_400

describe('the cache', () => {
  it('keeps a value as long as it may, at most a day, and tells its age', () => {
    const clock = { ms: 0 }
    const cache = new Cache<string>(() => clock.ms)
    cache.set('short', 'a', 2)
    cache.set('long', 'b', 10 * DAY)
    cache.set('none', 'c', 0)
    cache.set('not a number', 'd', Number.NaN)
    assert.equal(cache.get('none'), undefined)
    assert.equal(cache.get('not a number'), undefined)
    clock.ms = 1_999
    assert.deepEqual(cache.get('short'), { value: 'a', age: 1 })
    clock.ms = 2_000
    assert.equal(cache.get('short'), undefined)
    clock.ms = DAY * 1000 - 1
    assert.equal(cache.get('long')?.value, 'b')
    clock.ms = DAY * 1000
    assert.equal(cache.get('long'), undefined)
    assert.equal(cache.size, 0)
  })

  it('holds a thousand entries, and lets the longest unused go first', () => {
    const cache = new Cache<number>()
    for (let i = 0; i < 1000; i++) cache.set(String(i), i, 60)
    cache.get('0')
    cache.set('one more', 1, 60)
    assert.equal(cache.size, 1000)
    assert.equal(cache.get('0')?.value, 0)
    assert.equal(cache.get('1'), undefined)
  })
})

describe('answers', () => {
  const twoSeconds = zone([{ name: 'a.example', type: 'A', ttl: 2, data: '10.0.0.1' }], 1)

  it('are asked for once within their TTL, and again after it; their TTL counts down', async () => {
    await using server = await startServer(twoSeconds)
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const ask = () => resolve(source, 'a.example', 'A', { ttl: true })
    assert.deepEqual(await ask(), [{ address: '10.0.0.1', ttl: 2 }])
    await new Promise((done) => setTimeout(done, 1_100))
    assert.deepEqual(await ask(), [{ address: '10.0.0.1', ttl: 1 }])
    assert.equal(server.questions.length, 1)
    await new Promise((done) => setTimeout(done, 1_000))
    assert.deepEqual(await ask(), [{ address: '10.0.0.1', ttl: 2 }])
    assert.equal(server.questions.length, 2)
  })

  it('that there is none are kept by the SOA minimum, and not at all without one', async () => {
    await using server = await startServer(zone([], 1))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const ask = async (name: string) => assert.equal((await failure(resolve(source, name))).code, 'ENOTFOUND')
    await ask('none.example')
    await ask('none.example')
    assert.equal(server.questions.length, 1)
    await new Promise((done) => setTimeout(done, 1_100))
    await ask('none.example')
    assert.equal(server.questions.length, 2)
    server.behave(zone([]))
    await ask('other.example')
    await ask('other.example')
    assert.equal(server.questions.length, 4)
  })

  it('with a TTL of 0, and failures of servers, are never kept', async () => {
    await using server = await startServer(({ name }) =>
      name === 'zero.example' ? { answers: [{ name, type: 'A', ttl: 0, data: '10.0.0.1' }] } : { rcode: 2 },
    )
    using root = new TestRoot({ 'etc/resolv.conf': 'options attempts:1' })
    const source = sourceOf(root, [server])
    for (let i = 0; i < 2; i++) {
      await resolve(source, 'zero.example')
      await failure(resolve(source, 'fail.example'))
    }
    assert.equal(server.questions.length, 4)
  })

  it('of one namespace are never given to another, nor are its queries under way', async () => {
    let calls = 0
    await using server = await startServer(({ name }) => ({
      answers: [{ name, type: 'A', ttl: 600, data: `10.0.0.${++calls}` }],
    }))
    using root = new TestRoot()
    const sources = Array.from({ length: 5 }, () => sourceOf(root, [server]))
    const together = await Promise.all(sources.map((source) => resolve(source, 'a.example')))
    assert.equal(new Set(together.flat()).size, 5)
    const later = await Promise.all(sources.map((source) => resolve(source, 'a.example')))
    assert.deepEqual(later, together)
    assert.equal(server.questions.length, 5)
  })

  it('asked for by a hundred at once in one namespace cost one query a family', async () => {
    await using server = await startServer(zone([{ name: 'a.example', type: 'A', ttl: 0, data: '10.0.0.1' }]))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const found = await Promise.all(Array.from({ length: 100 }, () => lookup(source, 'a.example')))
    assert.ok(found.every(([first]) => first?.address === '10.0.0.1'))
    assert.equal(server.questions.length, 2)
  })

  it('are forgotten when the namespace is, and when it turns to other servers', async () => {
    const said = (data: string) => zone([{ name: 'a.example', type: 'A', ttl: 600, data }])
    await using first = await startServer(said('10.0.0.1'))
    await using second = await startServer(said('10.0.0.2'))
    using root = new TestRoot()
    const source: NameSource = { id: freshId(), rootFd: root.fd, servers: [first] }
    assert.deepEqual(await resolve(source, 'a.example'), ['10.0.0.1'])
    assert.deepEqual(await resolve({ ...source, servers: [second] }, 'a.example'), ['10.0.0.2'])
    assert.deepEqual(await resolve(source, 'a.example', 'A', { servers: [second] }), ['10.0.0.2'])
    first.questions.length = 0
    assert.deepEqual(await resolve(source, 'a.example'), ['10.0.0.1'])
    forgetNames(source.id)
    await resolve(source, 'a.example')
    assert.ok(first.questions.length >= 1)
  })
})
