import assert from 'node:assert/strict'
import { isIPv4 } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addressBytes, addressText, arpaName, canonicalAddress, parseLooseIPv4 } from '#dist/context/names/address.js'
import { domainName } from '#dist/context/names/domain-name.js'

const part = fc.oneof(
  fc.constantFrom('0', '00', '08', '0x0', '255', '256', '0377', '0400', '65535', '16777216', '4294967296'),
  fc.nat(0xffffffff).map(String),
  fc.nat(0xffff).map((n) => `0x${n.toString(16)}`),
)

describe('addresses', () => {
  it('in the spellings of inet_aton(3) are what the URL standard, which copied them, says they are', () => {
    const byUrl = (text: string) => (URL.canParse(`http://${text}/`) ? new URL(`http://${text}/`).hostname : undefined)
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const spelling = parts.join('.')
        const expected = byUrl(spelling)
        assert.equal(isIPv4(spelling) ? spelling : parseLooseIPv4(spelling), expected, spelling)
      }),
      { numRuns: 5000 },
    )
    assert.equal(parseLooseIPv4('127.1'), '127.0.0.1')
    for (const none of ['', '0x', '1.', '.1', '1e1', '-1', '0x7f.1 '])
      assert.equal(parseLooseIPv4(none), undefined, none)
  })

  it('of IPv6 come back as the URL parser writes them, which is the canonical form', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const canonical = canonicalAddress(address)
        assert.equal(new URL(`http://[${canonical}]/`).hostname, new URL(`http://[${address}]/`).hostname)
        assert.equal(addressText(addressBytes(canonical)), canonical)
      }),
      { numRuns: 2000 },
    )
    assert.equal(canonicalAddress('FE80::0:1%eth0'), 'fe80::1%eth0')
    assert.equal(canonicalAddress('::FFFF:10.0.0.1'), '::ffff:10.0.0.1')
  })

  it('have the names of RFC 1035 and RFC 3596', () => {
    assert.equal(arpaName('192.0.2.7'), '7.2.0.192.in-addr.arpa')
    assert.equal(
      arpaName('2001:db8::567:89ab'),
      'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
    )
  })
})

describe('a domain name', () => {
  it('is refused when it is empty, too long, has an empty or long label, or bytes that no packet should carry', () => {
    const long = Array(5).fill('x'.repeat(50)).join('.')
    for (const bad of [
      '',
      '.',
      '..',
      'a..b',
      '.a',
      'a\0b',
      'a b',
      'a\nb',
      'a\\.b',
      `${'x'.repeat(64)}.com`,
      long,
      '\ud800',
    ]) {
      assert.equal(domainName(bad), undefined, JSON.stringify(bad))
    }
    assert.equal(domainName('x'.repeat(63)), 'x'.repeat(63))
    assert.equal(domainName(long.slice(0, 253))?.length, 253)
  })

  it('goes into a packet as ASCII in lower case, without its final dot', () => {
    assert.equal(domainName('Bücher.Example.'), 'xn--bcher-kva.example')
    assert.equal(domainName('_srv._tcp.X'), '_srv._tcp.x')
  })
})
