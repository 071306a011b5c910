import assert from 'node:assert/strict'
import dns from 'node:dns'
import type { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import type { Answer } from 'dns-packet'
import { lookup, lookupService, type NameSource } from '#dist/context/names/index.js'
import { startServer, zone } from './server.js'
import { failure, freshId, sourceOf, TestRoot } from './support.js'

const v4 = (address: string) => ({ address, family: 4 })
const v6 = (address: string) => ({ address, family: 6 })
const hosts = '10.0.0.1 db db.example\n10.0.0.2 db\nfd00::1 six\n10.6.6.6 localhost evil.localhost\n'
const ZONE: Answer[] = [
  { name: 'both.example', type: 'A', ttl: 60, data: '127.0.0.7' },
  { name: 'both.example', type: 'AAAA', ttl: 60, data: '::1' },
  { name: 'four.example', type: 'A', ttl: 60, data: '127.0.0.4' },
  { name: 'db.corp.example', type: 'A', ttl: 60, data: '127.0.0.5' },
  { name: 'web.corp.example', type: 'A', ttl: 60, data: '127.0.0.6' },
  { name: 'web', type: 'A', ttl: 60, data: '127.0.0.66' },
  { name: 'a.b', type: 'A', ttl: 60, data: '127.0.0.8' },
  { name: 'a.b.corp.example', type: 'A', ttl: 60, data: '127.0.0.9' },
  { name: '5.0.0.127.in-addr.arpa', type: 'PTR', ttl: 60, data: 'db.corp.example' },
]

describe('lookup, without a server', () => {
  it('gives an IP literal as it is, whatever the family asked', async () => {
    using root = new TestRoot()
    const source = sourceOf(root)
    assert.deepEqual(await lookup(source, '10.0.0.1', { family: 6 }), [v4('10.0.0.1')])
    assert.deepEqual(await lookup(source, 'fe80::1%eth0'), [v6('fe80::1%eth0')])
    assert.deepEqual(await lookup(source, '0x7f.1'), [v4('127.0.0.1')])
    assert.equal((await failure(lookup(source, '127.1', { family: 6 }))).code, 'ENOTFOUND')
  })

  it('gives loopback for localhost and everything below it, whatever the hosts file and the servers say', async () => {
    await using server = await startServer(({ name }) => ({ answers: [{ name, type: 'A', data: '10.6.6.6' }] }))
    using root = new TestRoot({ 'etc/hosts': hosts })
    const source = sourceOf(root, [server])
    for (const name of ['localhost', 'LOCALHOST.', 'evil.localhost', 'x.y.localhost']) {
      assert.deepEqual(await lookup(source, name, { family: 4 }), [v4('127.0.0.1')])
      assert.deepEqual(await lookup(source, name, { family: 6 }), [v6('::1')])
    }
    assert.deepEqual(await lookup(source, 'localhost', { order: 'ipv4first' }), [v4('127.0.0.1'), v6('::1')])
    assert.equal(server.questions.length, 0)
  })

  it('keeps to the loopback addresses that the hosts file gives localhost', async () => {
    using root = new TestRoot({ 'etc/hosts': '127.0.0.1 localhost\n' })
    assert.deepEqual(await lookup(sourceOf(root), 'localhost'), [v4('127.0.0.1')])
  })

  it('finds a name in the hosts file, in any case, with or without its final dot', async () => {
    using root = new TestRoot({ 'etc/hosts': hosts })
    const source = sourceOf(root)
    assert.deepEqual(await lookup(source, 'DB'), [v4('10.0.0.1'), v4('10.0.0.2')])
    assert.deepEqual(await lookup(source, 'db.example.'), [v4('10.0.0.1')])
    assert.deepEqual(await lookup(source, 'six', { family: 6 }), [v6('fd00::1')])
  })

  it('fails with ENOTFOUND as Node does, and sends nothing, for what is no name', async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    for (const bad of [
      '',
      '.',
      'a..b',
      'a\0b',
      'a b',
      'x'.repeat(64),
      `${'x.'.repeat(127)}xx`,
      'x.onion',
      '256.1.1.1 ',
    ]) {
      const { message, code, errno, syscall, hostname } = await failure(lookup(source, bad))
      const expected = ['ENOTFOUND', -3008, 'getaddrinfo', bad, `getaddrinfo ENOTFOUND ${bad}`]
      assert.deepEqual([code, errno, syscall, hostname, message], expected)
    }
    assert.equal(server.questions.length, 0)
  })
})

describe('lookup, by servers', () => {
  it('asks for both families and gives both, in the order asked for', async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const both = [v6('::1'), v4('127.0.0.7')]
    assert.deepEqual(await lookup(source, 'both.example', { order: 'ipv6first' }), both)
    assert.deepEqual(await lookup(source, 'both.example', { order: 'ipv4first' }), both.toReversed())
    assert.deepEqual(await lookup(source, 'both.example', { family: 4 }), [v4('127.0.0.7')])
    assert.deepEqual(server.questions.map(({ type }) => type).sort(), ['A', 'AAAA'])
  })

  it('goes through the search list by ndots as resolv.conf(5) says', async () => {
    await using server = await startServer(zone(ZONE))
    const conf = (text: string) => new TestRoot({ 'etc/resolv.conf': text })
    const asked = async (root: TestRoot, name: string) => {
      server.questions.length = 0
      const found = await lookup(sourceOf(root, [server]), name, { family: 4 })
      return [found[0]?.address, ...server.questions.map((question) => question.name)]
    }
    using usual = conf('search none.example corp.example\n')
    assert.deepEqual(await asked(usual, 'web'), ['127.0.0.6', 'web.none.example', 'web.corp.example'])
    assert.deepEqual(await asked(usual, 'web.'), ['127.0.0.66', 'web'])
    assert.deepEqual(await asked(usual, 'a.b'), ['127.0.0.8', 'a.b'])
    assert.equal((await asked(usual, 'db'))[0], '127.0.0.5')
    using many = conf('search corp.example\noptions ndots:2\n')
    assert.deepEqual(await asked(many, 'a.b'), ['127.0.0.9', 'a.b.corp.example'])
  })

  it('tells a name that nobody has from servers that cannot say', async () => {
    await using server = await startServer(({ name }) => ({ rcode: name.startsWith('none') ? 3 : 2 }))
    using root = new TestRoot({ 'etc/resolv.conf': 'search x.example\noptions attempts:1' })
    const source = sourceOf(root, [server])
    const none = await failure(lookup(source, 'none.example'))
    assert.deepEqual([none.code, none.errno, none.message], ['ENOTFOUND', -3008, 'getaddrinfo ENOTFOUND none.example'])
    const again = await failure(lookup(source, 'some.example'))
    assert.deepEqual(
      [again.code, again.errno, again.message],
      ['EAI_AGAIN', -3001, 'getaddrinfo EAI_AGAIN some.example'],
    )
  })

  it('gives up at once where no server listens, and does not go through the search list', async () => {
    const server = await startServer(zone([]))
    const gone = { address: server.address, port: server.port }
    await server[Symbol.asyncDispose]()
    using root = new TestRoot({ 'etc/resolv.conf': `search ${'a b c d e f'.replaceAll(/\w/g, '$&.example')}` })
    const started = performance.now()
    assert.equal((await failure(lookup(sourceOf(root, [gone]), 'web'))).code, 'EAI_AGAIN')
    assert.ok(performance.now() - started < 1000)
  })

  it('is answered by one family where the other fails', async () => {
    await using server = await startServer(({ name, type }) =>
      type === 'A' ? { answers: [{ name, type: 'A', data: '127.0.0.9' }] } : { rcode: 2 },
    )
    using root = new TestRoot({ 'etc/resolv.conf': 'options attempts:1' })
    assert.deepEqual(await lookup(sourceOf(root, [server]), 'half.example'), [v4('127.0.0.9')])
  })
})

describe("lookup's hints", () => {
  const interfacesWith = (...families: string[]) =>
    (() => ({
      lo: [
        { internal: true, family: 'IPv4' },
        { internal: true, family: 'IPv6' },
      ],
      eth0: families.map((family) => ({ internal: false, family })),
    })) as unknown as typeof networkInterfaces

  it('V4MAPPED maps IPv4 addresses where there is no IPv6 one, and with ALL even then', async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const six = (hints: number, name: string) => lookup(source, name, { family: 6, hints })
    assert.deepEqual(await six(dns.V4MAPPED, 'four.example'), [v6('::ffff:127.0.0.4')])
    assert.deepEqual(await six(dns.V4MAPPED, 'both.example'), [v6('::1')])
    assert.deepEqual(await six(dns.V4MAPPED | dns.ALL, 'both.example'), [v6('::1'), v6('::ffff:127.0.0.7')])
    assert.equal((await failure(six(0, 'four.example'))).code, 'ENOTFOUND')
    assert.deepEqual(await six(dns.V4MAPPED, '127.1'), [v6('::ffff:127.0.0.1')])
  })

  it('ADDRCONFIG asks only for the families the namespace has an address of', async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot()
    const hints = dns.ADDRCONFIG
    const asked = async (interfaces: typeof networkInterfaces, family: 0 | 4 | 6 = 0) => {
      server.questions.length = 0
      const source: NameSource = { id: freshId(), rootFd: root.fd, servers: [server], networkInterfaces: interfaces }
      await lookup(source, 'both.example', { hints, family }).catch((error) => assert.equal(error.code, 'ENOTFOUND'))
      return server.questions.map(({ type }) => type).sort()
    }
    assert.deepEqual(await asked(interfacesWith('IPv4')), ['A'])
    assert.deepEqual(await asked(interfacesWith('IPv6')), ['AAAA'])
    assert.deepEqual(await asked(interfacesWith('IPv4', 'IPv6')), ['A', 'AAAA'])
    assert.deepEqual(await asked(interfacesWith()), ['A', 'AAAA'])
    assert.deepEqual(await asked(interfacesWith('IPv4'), 6), [])
  })
})

describe('lookupService', () => {
  it('gives names from the hosts file or the PTR record, and from the services file or the number', async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot({ 'etc/hosts': hosts, 'etc/services': 'http 80/tcp www\ndomain 53/udp\n' })
    const source = sourceOf(root, [server])
    assert.deepEqual(await lookupService(source, '10.0.0.1', 80), { hostname: 'db', service: 'http' })
    assert.deepEqual(await lookupService(source, '127.0.0.5', 53), { hostname: 'db.corp.example', service: '53' })
  })

  it("fails as Node's does, and on bad arguments without a query", async () => {
    await using server = await startServer(zone([]))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const { message, code, errno, syscall } = await failure(lookupService(source, '127.0.0.99', 80))
    const expected = ['getnameinfo ENOTFOUND 127.0.0.99', 'ENOTFOUND', -3008, 'getnameinfo']
    assert.deepEqual([message, code, errno, syscall], expected)
    server.questions.length = 0
    assert.equal((await failure(lookupService(source, 'host', 80))).code, 'ERR_INVALID_ARG_VALUE')
    for (const port of [-1, 65536, 1.5, Number.NaN]) {
      assert.equal((await failure(lookupService(source, '10.0.0.1', port))).code, 'ERR_INVALID_ARG_VALUE')
    }
    assert.equal(server.questions.length, 0)
  })
})
