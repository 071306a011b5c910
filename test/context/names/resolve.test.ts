import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { describe, it } from 'node:test'
import type { Answer } from 'dns-packet'
import { type NameSource, resolve, reverse } from '#dist/context/names/index.js'
import { startServer, type TestServer, zone } from './server.js'
import { failure, freshId, sourceOf, TestRoot } from './support.js'

const soa = { mname: 'ns.example', rname: 'host\\.master.example', serial: 4294967295, refresh: 2, retry: 3, expire: 4 }
const ttl = 300
const ZONE: Answer[] = [
  { name: 'a.example', type: 'A', ttl, data: '192.0.2.1' },
  { name: 'a.example', type: 'A', ttl: 60, data: '192.0.2.2' },
  { name: 'a.example', type: 'AAAA', ttl, data: '2001:db8::1' },
  { name: 'a.example', type: 'AAAA', ttl, data: '::ffff:192.0.2.1' },
  { name: 'a.example', type: 'AAAA', ttl, data: '2001:db8:0:0:1:0:0:1' },
  { name: 'alias.example', type: 'CNAME', ttl: 30, data: 'second.example' },
  { name: 'second.example', type: 'CNAME', ttl: 200, data: 'a.example' },
  { name: 'dangling.example', type: 'CNAME', ttl, data: 'nowhere.example' },
  { name: 'mx.example', type: 'MX', ttl, data: { preference: 10, exchange: 'mail.example' } },
  { name: 'mx.example', type: 'MX', ttl, data: { preference: 0, exchange: '.' } },
  { name: 'ns.example', type: 'NS', ttl, data: 'ns1.example' },
  { name: 'txt.example', type: 'TXT', ttl, data: ['one', 'two'] },
  { name: 'txt.example', type: 'TXT', ttl, data: Buffer.from([0xff, 0x41, 0x22, 0x5c]) },
  { name: '_s._tcp.example', type: 'SRV', ttl, data: { priority: 1, weight: 2, port: 3, target: 'a.example' } },
  { name: '7.2.0.192.in-addr.arpa', type: 'PTR', ttl, data: 'a.example' },
  { name: '7.2.0.192.in-addr.arpa', type: 'PTR', ttl, data: 'b_c.example' },
  {
    name: 'naptr.example',
    type: 'NAPTR',
    ttl,
    data: { order: 1, preference: 2, flags: 's', services: 'SIP+D2U', regexp: '', replacement: '_sip._udp.example' },
  },
  { name: 'soa.example', type: 'SOA', ttl, data: { ...soa, minimum: 5 } },
  { name: 'caa.example', type: 'CAA', ttl, data: { flags: 0, tag: 'issue', value: 'ca.example; x=y' } },
  { name: 'caa.example', type: 'CAA', ttl, data: { flags: 128, tag: 'iodef', value: 'mailto:a@example' } },
  {
    name: '_443._tcp.example',
    type: 'TLSA',
    ttl,
    data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from('00ff10', 'hex') },
  },
]
const knowsTlsa = 'resolveTlsa' in Resolver.prototype
// Without TLSA, for which Node's resolveAny gives holes in its array and an object without a type.
const EVERYTHING = ZONE.filter(({ type }) => type !== 'CNAME' && type !== 'TLSA').map((record) => ({
  ...record,
  name: 'all.example',
}))

/** Node's own resolver, asking the same server. */
function nodeResolver(server: TestServer): Resolver {
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  resolver.setServers([`${server.address}:${server.port}`])
  return resolver
}

function fieldsOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => ({ value }),
    ({ message, code, errno, syscall, hostname }) => ({ message, code, errno, syscall, hostname }),
  )
}

describe('resolve', () => {
  const cases: [string, string][] = [
    ['a.example', 'A'],
    ['A.eXample.', 'A'],
    ['a.example', 'AAAA'],
    ['alias.example', 'A'],
    ['alias.example', 'CNAME'],
    ['dangling.example', 'A'],
    ['dangling.example', 'MX'],
    ['dangling.example', 'TXT'],
    ['alias.example', 'NS'],
    ['mx.example', 'MX'],
    ['ns.example', 'NS'],
    ['txt.example', 'TXT'],
    ['_s._tcp.example', 'SRV'],
    ['7.2.0.192.in-addr.arpa', 'PTR'],
    ['naptr.example', 'NAPTR'],
    ['soa.example', 'SOA'],
    ['caa.example', 'CAA'],
    ['_443._tcp.example', 'TLSA'],
    ['all.example', 'ANY'],
    ['nowhere.example', 'A'],
    ['nowhere.example', 'SOA'],
    ['a.example', 'MX'],
    ['mx.example', 'A'],
    ['a..example', 'A'],
    [`${'x'.repeat(64)}.example`, 'MX'],
    ['with space', 'AAAA'],
    ['hidden.onion', 'A'],
  ]
  for (const [name, type] of cases) {
    it(`gives for ${type} of ${name.slice(0, 40)} what Node's own resolver gives from the same server`, async (t) => {
      if (type === 'TLSA' && !knowsTlsa) {
        return t.skip(`Node ${process.version} has no resolveTlsa`)
      }
      await using server = await startServer(zone([...ZONE, ...EVERYTHING]))
      using root = new TestRoot()
      const ours = await fieldsOf(resolve(sourceOf(root, [server]), name, type))
      const nodes = await fieldsOf(nodeResolver(server).resolve(name, type as 'A'))
      assert.deepEqual(sorted(ours), sorted(nodes))
    })
  }

  it("gives addresses with their TTLs as Node's own resolver does, an alias's shorter one included", async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const node = nodeResolver(server)
    for (const name of ['a.example', 'alias.example']) {
      assert.deepEqual(await resolve(source, name, 'A', { ttl: true }), await node.resolve4(name, { ttl: true }))
      assert.deepEqual(await resolve(source, name, 'AAAA', { ttl: true }), await node.resolve6(name, { ttl: true }))
    }
  })

  for (const rcode of [1, 2, 3, 4, 5]) {
    it(`fails on a server's rcode ${rcode} as Node's own resolver does`, async () => {
      await using server = await startServer(() => ({ rcode }))
      using root = new TestRoot({ 'etc/resolv.conf': 'options attempts:1\n' })
      const ours = await fieldsOf(resolve(sourceOf(root, [server]), 'a.example', 'MX'))
      assert.deepEqual(ours, await fieldsOf(nodeResolver(server).resolveMx('a.example')))
    })
  }

  it('fails with ETIMEOUT where nobody answers and ECONNREFUSED where nobody listens, as Node does', async () => {
    const server = await startServer(() => undefined)
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const options = { timeout: 200, tries: 1 }
    const [ours, nodes] = await Promise.all([
      fieldsOf(resolve(source, 'a.example', 'TXT', options)),
      fieldsOf(nodeResolver(server).resolveTxt('a.example')),
    ])
    assert.deepEqual(ours, nodes)
    await server[Symbol.asyncDispose]()
    const refused = await failure(resolve(source, 'b.example', 'TXT', options))
    assert.equal(refused.code, 'ECONNREFUSED')
    assert.equal(refused.message, 'queryTxt ECONNREFUSED b.example')
  })

  it('asks for an international name in ASCII', async () => {
    await using server = await startServer(zone([{ name: 'xn--bcher-kva.example', type: 'A', data: '192.0.2.9' }]))
    using root = new TestRoot()
    assert.deepEqual(await resolve(sourceOf(root, [server]), 'Bücher.example', 'A'), ['192.0.2.9'])
  })

  it('asks for the root by . and by nothing', async () => {
    await using server = await startServer(({ name }) => ({ answers: [{ name, type: 'NS', data: 'a.root' }] }))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    assert.deepEqual(await resolve(source, '.', 'NS'), ['a.root'])
    assert.deepEqual(await resolve(source, '', 'NS'), ['a.root'])
    assert.equal(server.questions[0]?.name, '.')
  })

  it('sends nothing for a name that is none, or a type that is none', async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    for (const bad of ['a\0b', 'a..b', 'x'.repeat(64), `${'x.'.repeat(127)}xx`, 'a\\.b', 'tab\t']) {
      assert.equal((await failure(resolve(source, bad, 'A'))).code, 'EBADNAME', JSON.stringify(bad))
    }
    for (const bad of ['a', '', 'OPT', 'toString', '__proto__']) {
      assert.equal((await failure(resolve(source, 'a.example', bad))).code, 'ERR_INVALID_ARG_VALUE', bad)
    }
    assert.equal(server.questions.length, 0)
  })

  it('gives every caller objects of its own', async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot()
    const source = sourceOf(root, [server])
    const first = (await resolve(source, 'mx.example', 'MX')) as { exchange: string }[]
    for (const record of first) record.exchange = 'changed'
    const second = (await resolve(source, 'mx.example', 'MX')) as { exchange: string }[]
    assert.deepEqual(second.map(({ exchange }) => exchange).sort(), ['', 'mail.example'])
    assert.equal(server.questions.length, 1)
  })
})

describe('reverse', () => {
  it("gives the PTR records that Node's own resolver gives from the same server, and fails as it does", async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot()
    const source: NameSource = { id: freshId(), rootFd: root.fd, servers: [server] }
    const node = nodeResolver(server)
    for (const address of ['192.0.2.7', '192.0.2.8', '2001:db8::7', 'no address']) {
      const nodes = await fieldsOf((async () => node.reverse(address))())
      assert.deepEqual(await fieldsOf(reverse(source, address)), nodes)
    }
  })

  it('gives the names of the hosts file first', async () => {
    await using server = await startServer(zone(ZONE))
    using root = new TestRoot({ 'etc/hosts': '192.0.2.7 db db.example\nfd00::0:1 six\n' })
    const source = sourceOf(root, [server])
    assert.deepEqual(await reverse(source, '192.0.2.7'), ['db', 'db.example'])
    assert.deepEqual(await reverse(source, 'FD00:0::1'), ['six'])
    assert.equal(server.questions.length, 0)
  })
})

/** Without the properties that newer Nodes have and leave undefined: `type` of NAPTR and SOA. */
function defined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(defined)
  if (value === null || typeof value !== 'object' || value instanceof ArrayBuffer) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(entries.map(([key, inner]) => [key, defined(inner)]))
}

// Servers may send records in any order, and c-ares gives those of ANY in an order of its own.
function sorted(outcome: unknown): unknown {
  const { value } = defined(outcome) as { value?: unknown }
  if (!Array.isArray(value)) return defined(outcome)
  const text = (item: unknown) =>
    JSON.stringify(item, (_, v) => (v && typeof v === 'object' && !Array.isArray(v) ? Object.entries(v).sort() : v))
  return { value: [...value].sort((a, b) => (text(a) < text(b) ? -1 : 1)) }
}
