import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseHosts, parseServices } from '#dist/context/names/hosts.js'
import { parseResolvConf } from '#dist/context/names/resolv-conf.js'

describe('a resolv.conf', () => {
  const read = (...lines: string[]) => parseResolvConf(lines.join('\n'))
  const addresses = (...lines: string[]) => read(...lines).servers.map(({ address }) => address)

  it('that names no server means the local machine, as resolv.conf(5) says', () => {
    assert.deepEqual(read(''), {
      servers: [{ address: '127.0.0.1', port: 53 }],
      search: [],
      ndots: 1,
      timeout: 5,
      attempts: 2,
      rotate: false,
      edns0: false,
      tcp: false,
    })
  })

  it('gives its first three servers, IPv4, IPv6 and scoped, and passes over what is no address', () => {
    const lines = ['nameserver dns.example', 'nameserver 10.0.0.300', 'nameserver\t10.0.0.1 ', 'nameserver fd00::1']
    assert.deepEqual(addresses(...lines, 'nameserver fe80::1%eth0', 'nameserver 10.0.0.9'), [
      '10.0.0.1',
      'fd00::1',
      'fe80::1%eth0',
    ])
  })

  it('is read past comments, Windows line ends and garbage', () => {
    assert.deepEqual(
      addresses(
        '# nameserver 1.1.1.1',
        ';nameserver 2.2.2.2',
        '\0\x01',
        'nameserver 10.0.0.1\r',
        'nameserverx 3.3.3.3',
      ),
      ['10.0.0.1'],
    )
  })

  it('has a keyword only at the beginning of a line', () => {
    assert.deepEqual(addresses(' nameserver 10.0.0.1', 'nameserver 10.0.0.2'), ['10.0.0.2'])
  })

  it('takes the last of its domain and search lines', () => {
    assert.deepEqual(read('domain a.example', 'search b.example C.example.').search, ['b.example', 'c.example'])
    assert.deepEqual(read('search b.example c.example', 'domain a.example d.example').search, ['a.example'])
    assert.deepEqual(read('search .').search, [''])
  })

  it('has its options bounded as the C library bounds them', () => {
    const { ndots, timeout, attempts } = read('options ndots:99 timeout:99', 'options attempts:99')
    assert.deepEqual({ ndots, timeout, attempts }, { ndots: 15, timeout: 30, attempts: 5 })
    const low = read('options ndots:0 timeout:0 attempts:0')
    assert.deepEqual([low.ndots, low.timeout, low.attempts], [0, 1, 1])
    const odd = read('options ndots:x timeout: attempts:-1 unknown toString __proto__ ndots')
    assert.deepEqual([odd.ndots, odd.timeout, odd.attempts], [1, 5, 2])
    const { rotate, edns0, tcp } = read('options rotate edns0 use-vc')
    assert.deepEqual([rotate, edns0, tcp], [true, true, true])
  })

  it('never throws, and never gives more than the limits allow, whatever it says', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'nameserver',
        'search',
        'domain',
        'options',
        'ndots:3',
        'timeout:',
        '#',
        ';',
        '\n',
        '\r\n',
        '10.0.0.1',
      ),
      fc.ipV6(),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 80 }), (words) => {
        const conf = parseResolvConf(words.join(' ').replaceAll(' \n ', '\n'))
        assert.ok(conf.servers.length >= 1 && conf.servers.length <= 3)
        assert.ok(conf.search.length <= 32)
        assert.ok(conf.ndots >= 0 && conf.ndots <= 15)
        assert.ok(conf.timeout >= 1 && conf.timeout <= 30)
        assert.ok(conf.attempts >= 1 && conf.attempts <= 5)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a hosts file', () => {
  it('gives every address of a name and every name of an address, in its order', () => {
    const hosts = parseHosts('10.0.0.1 db DB.example alias # x y\n10.0.0.2\tdb\nfd00:0::1 db\n10.0.0.1 db more\n')
    assert.deepEqual(hosts.byName.get('db'), [
      { address: '10.0.0.1', family: 4 },
      { address: '10.0.0.2', family: 4 },
      { address: 'fd00::1', family: 6 },
    ])
    assert.deepEqual(hosts.byName.get('db.example'), [{ address: '10.0.0.1', family: 4 }])
    assert.deepEqual(hosts.byAddress.get('10.0.0.1'), ['db', 'DB.example', 'alias', 'more'])
    assert.equal(hosts.byName.get('y'), undefined)
  })

  it('is read past lines without an address or a name', () => {
    const hosts = parseHosts('localhost\n10.0.0.1\n#10.0.0.2 a\n10.0.0 b\n10.0.0.3 c\n')
    assert.deepEqual([...hosts.byName.keys()], ['c'])
  })

  it('reads back what was written, however it is spaced', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
    const space = fc.constantFrom(' ', '\t', '  \t ')
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.ipV4(), name, space), { maxLength: 30 }), (lines) => {
        const hosts = parseHosts(lines.map(([address, host, gap]) => `${address}${gap}${host}`).join('\n'))
        for (const [address, host] of lines) {
          assert.ok(hosts.byName.get(host)?.some((known) => known.address === address))
          assert.ok(hosts.byAddress.get(address)?.includes(host))
        }
      }),
    )
  })

  it('never throws, whatever it says', () => {
    const piece = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('\n', '#', ' ', '__proto__'),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 100 }), (pieces) => {
        const { byName } = parseHosts(pieces.join(' '))
        for (const list of byName.values()) assert.ok(list.length >= 1 && list.length <= 64)
      }),
      { numRuns: 2000 },
    )
  })

  it('with one address for a hundred thousand names is read in less than two seconds', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `0.0.0.0 ad-${i}.example`).join('\n')
    const start = performance.now()
    assert.equal(parseHosts(names).byName.size, 100_000)
    assert.ok(performance.now() - start < 2_000)
  })
})

it('a services file gives the first name of a port', () => {
  const services = parseServices('# c\nssh 22/tcp alias # c\nother 22/tcp\ndomain 53/udp\nbroken\nx 99999999/tcp\n')
  assert.deepEqual(
    [...services],
    [
      ['22/tcp', 'ssh'],
      ['53/udp', 'domain'],
    ],
  )
})
