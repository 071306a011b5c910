// nsfd link: what it made, ip(8) sees; what ip(8) made, it lists.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { Namespace } from 'nsfd'
import { needs } from '../support/needs.js'
import { nsfd, startNsfd } from './nsfd.js'

type IpLink = { ifname: string; mtu: number; linkinfo?: { info_kind: string }; master?: string }

describe('link', needs('admin', 'iproute2'), () => {
  const red = `nsfd-link-${process.pid}-red`
  const blue = `nsfd-link-${process.pid}-blue`
  before(() => {
    for (const name of [red, blue]) using(Namespace.create('net'), (made) => made.pin(name))
  })
  after(() => {
    for (const name of [red, blue]) Namespace.unpin(name)
  })

  test('add makes a pair born in two namespaces; ls and ls --all show both ends', () => {
    const made = nsfd(['link', 'add', 'here', '--type', 'veth', '-n', red, '--peer', 'there', '--peer-netns', blue])
    assert.deepEqual([made.code, made.stderr], [0, ''])
    assert.equal(ipLinks(red).find(({ ifname }) => ifname === 'here')?.linkinfo?.info_kind, 'veth')
    assert.equal(ipLinks(blue).find(({ ifname }) => ifname === 'there')?.linkinfo?.info_kind, 'veth')
    assert.match(nsfd(['link', 'ls', red]).stdout, /here.*veth/)
    const all = nsfd(['link', 'ls', '--all', '--json'])
    assert.equal(all.code, 0)
    const text = JSON.stringify(JSON.parse(all.stdout))
    assert.ok(text.includes('"here"') && text.includes('"there"'))
  })

  test('add with a bridge as master, mtu and vxlan id; del takes it away', () => {
    assert.equal(nsfd(['link', 'add', 'br', '--type', 'bridge', '-n', red, '--mtu', '1400']).code, 0)
    assert.equal(ipLinks(red).find(({ ifname }) => ifname === 'br')?.mtu, 1400)
    assert.equal(nsfd(['link', 'rm', 'br', '-n', red]).code, 0)
    assert.equal(
      ipLinks(red).some(({ ifname }) => ifname === 'br'),
      false,
    )
  })

  test('move takes a link that ip made to another namespace', () => {
    execFileSync('ip', ['-n', red, 'link', 'add', 'mover', 'type', 'bridge'])
    execFileSync('ip', ['-n', red, 'link', 'add', 'wanderer', 'type', 'veth', 'peer', 'name', 'stays'])
    const moved = nsfd(['link', 'move', 'wanderer', blue, '-n', red])
    assert.deepEqual([moved.code, moved.stderr], [0, ''])
    assert.ok(ipLinks(blue).some(({ ifname }) => ifname === 'wanderer'))
    assert.ok(!ipLinks(red).some(({ ifname }) => ifname === 'wanderer'))
  })

  test('watch tells of a link that comes, and ends with Ctrl-C', async () => {
    const watch = startNsfd(['link', 'watch', red, '--json'])
    let seen = ''
    const told = new Promise<void>((resolve) => {
      watch.stdout?.setEncoding('utf8').on('data', (text: string) => {
        seen += text
        if (seen.includes('nsfd-late')) resolve()
      })
    })
    const poke = setInterval(() => {
      execFileSync('ip', ['-n', red, 'link', 'add', 'nsfd-late', 'type', 'bridge'])
      clearInterval(poke)
    }, 700)
    await told
    watch.kill('SIGINT')
    const code = await new Promise((resolve) => watch.once('exit', (status, signal) => resolve(status ?? signal)))
    assert.ok(code === 0 || code === 130 || code === 'SIGINT', String(code))
  })

  test('bad input: names, kinds, namespaces and links that are not there', () => {
    for (const args of [
      ['add', 'a-name-of-sixteen', '--type', 'bridge'],
      ['add', 'a/b', '--type', 'bridge'],
      ['add', 'fine', '--type', 'no-such-kind'],
      ['add', 'fine'],
      ['rm', 'not-there', '-n', red],
      ['move', 'not-there', blue, '-n', red],
      ['ls', 'nsfd-no-such-namespace'],
    ]) {
      const { code, stderr, stdout } = nsfd(['link', ...args, ...(args[0] === 'add' ? ['-n', red] : [])])
      assert.ok(code === 1 || code === 2, args.join(' '))
      assert.match(stderr, /\w/, args.join(' '))
      assert.doesNotMatch(stderr, /\n\s+at /)
      assert.equal(stdout, '')
    }
  })
})

function ipLinks(name: string): IpLink[] {
  return JSON.parse(execFileSync('ip', ['-n', name, '-d', '-j', 'link'], { encoding: 'utf8' }))
}

function using(namespace: Namespace, work: (namespace: Namespace) => void): void {
  work(namespace)
  namespace.close()
}
