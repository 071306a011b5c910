// Internet addresses and prefixes: text to bytes and back, as the C library has them.
import assert from 'node:assert/strict'
import { SocketAddress } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatIp, parseIp, parseNetwork, parsePrefix } from '#dist/rtnetlink/codec/ip.js'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
// Zeros come in runs, or compression would hardly ever be tried.
const sixteen = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((words) => Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff])))

describe('internet addresses', () => {
  it('IPv4 survives the way there and back', () => {
    fc.assert(fc.property(bytes(4), (four) => assert.deepEqual(parseIp(formatIp(four), 'x'), four)))
  })

  it('IPv6 survives the way there and back, and is written as the C library writes it', () => {
    const check = (six: Uint8Array) => {
      const text = formatIp(six)
      assert.deepEqual(parseIp(text, 'x'), six)
      assert.equal(text, new SocketAddress({ family: 'ipv6', address: text }).address)
    }
    fc.assert(fc.property(sixteen, check), { numRuns: 3000 })
    fc.assert(fc.property(bytes(16), check))
  })

  it('mapped and compatible addresses are written with dots', () => {
    for (const text of ['::ffff:10.0.0.1', '::10.0.0.1', '::', '::1', '1::', 'fe80::1', '::ffff:0:0']) {
      const native = new SocketAddress({ family: 'ipv6', address: text }).address
      assert.equal(formatIp(parseIp(text, 'x')), native)
    }
  })

  it('what is no address, no prefix or no network is refused', () => {
    for (const text of ['', '10.0.0', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0', '::1::', 'x', 7, null, '1.2.3.4 ']) {
      assert.throws(() => parseIp(text, 'address'), { code: 'ERR_INVALID_ARG_VALUE' }, String(text))
    }
    for (const text of [
      '10.0.0.1/33',
      '::/129',
      '10.0.0.1/',
      '10.0.0.1/-1',
      '10.0.0.1/1e1',
      '10.0.0.1/24/1',
      '/8',
      undefined,
    ]) {
      assert.throws(() => parsePrefix(text, 'address'), { code: 'ERR_INVALID_ARG_VALUE' }, String(text))
    }
    assert.throws(() => parseNetwork('10.1.2.3/20', 'to'), /did you mean 10\.1\.0\.0\/20\?/)
    assert.throws(() => parseNetwork('2001:db8::1/64', 'to'), /did you mean 2001:db8::\/64\?/)
    assert.deepEqual(parseNetwork('10.1.0.0/20', 'to'), { address: '10.1.0.0', length: 20, family: 4 })
    assert.equal(parsePrefix('10.0.0.1', 'x').length, 32)
    assert.equal(parsePrefix('::1', 'x').length, 128)
  })
})
