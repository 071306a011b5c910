import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import dns from 'node:dns'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { after, before, describe, it } from 'node:test'
import { lookup, lookupService, type NameSource, resolve, reverse } from '#dist/context/names/index.js'
import { Namespace } from '#dist/index.js'
import { needs } from '../../support/needs.js'
import { serverProgram } from '../../support/servers.js'
import { startServer, zone } from './server.js'
import { failure, freshId, TestRoot } from './support.js'

type Side = { ns: Namespace; source: NameSource; address: string; server: ChildProcess }

describe('two namespaces with a dnsmasq each', needs('admin', 'iproute2', 'etcNetns', 'dnsmasq'), () => {
  const sides: Side[] = []
  const names = [`nsfd-names-${process.pid}-red`, `nsfd-names-${process.pid}-blue`]
  const hadDirectory = existsSync('/etc/netns')

  before(async () => {
    for (const [index, name] of names.entries()) sides.push(await startSide(name, `10.9.${index}.1`))
  })

  after(async () => {
    for (const { ns, server } of sides) {
      server.kill()
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
      ns.close()
    }
    for (const name of names) {
      run('ip', 'netns', 'del', name)
      rmSync(`/etc/netns/${name}`, { recursive: true })
    }
    if (!hadDirectory && readdirSync('/etc/netns').length === 0) rmdirSync('/etc/netns')
  })

  it('answer one name each in its own way, on port 53, by everything there is', async () => {
    for (const { ns, source, address } of sides) {
      await ns.run(async () => {
        assert.deepEqual(await lookup(source, 'web.test', { family: 4 }), [{ address, family: 4 }])
        assert.deepEqual(await lookup(source, 'web'), [{ address, family: 4 }], 'by the search list')
        assert.deepEqual(await resolve(source, 'web.test', 'A'), [address])
        assert.deepEqual(await resolve(source, 'text.test', 'TXT'), [[`I am ${address}`]])
        assert.deepEqual(await reverse(source, address), ['web.test'])
        assert.deepEqual(await lookupService(source, address, 22), { hostname: 'web.test', service: 'ssh' })
        assert.deepEqual(
          await lookup(source, 'own'),
          [{ address: address.replace(/1$/, '2'), family: 4 }],
          'by the hosts file',
        )
        assert.equal((await failure(lookup(source, 'none.test'))).code, 'ENOTFOUND')
      })
    }
  })

  it('answer over a stream what no datagram holds', async () => {
    for (const { ns, source } of sides) {
      const found = await ns.run(() => resolve(source, 'big.test', 'A'))
      assert.equal((found as string[]).length, 200)
    }
  })

  it('never answer for one another in 1,000 interleaved lookups and queries', async () => {
    const asked = Array.from({ length: 1_000 }, async (_, i) => {
      const { ns, source, address } = sides[i % 2] as Side
      const own = { ...source, id: `${source.id}-${i % 20}` }
      const found = await ns.run(async () => {
        await new Promise((done) => setTimeout(done, i % 7))
        if (i % 3 === 0) return ((await resolve(own, 'web.test', 'A')) as string[])[0]
        const [first] = await lookup(own, i % 3 === 1 ? 'web.test' : `w${i}.web.test`, { family: 4 })
        return first?.address
      })
      assert.equal(found, address)
    })
    await Promise.all(asked)
  })

  it('are not reached from home', async () => {
    const { source } = sides[0] as Side
    const atHome = { ...source, id: freshId() }
    assert.equal((await failure(resolve(atHome, 'web.test', 'A', { timeout: 500, tries: 1 }))).code, 'ECONNREFUSED')
  })
})

describe('a namespace with IPv4 only', needs('admin', 'iproute2'), () => {
  it('gets its IPv6 addresses last, and with ADDRCONFIG not at all', async () => {
    const name = `nsfd-names-${process.pid}-four`
    run('ip', 'netns', 'add', name)
    using root = new TestRoot()
    const ns = Namespace.named(name)
    try {
      run('ip', '-n', name, 'link', 'set', 'lo', 'up')
      run('ip', '-n', name, 'link', 'add', 'four0', 'type', 'veth', 'peer', 'four1')
      run('ip', 'netns', 'exec', name, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')
      run('ip', '-n', name, 'address', 'add', '192.0.2.1/24', 'dev', 'four0')
      for (const link of ['four0', 'four1']) run('ip', '-n', name, 'link', 'set', link, 'up')
      await ns.run(async () => {
        await using server = await startServer(
          zone([
            { name: 'both.example', type: 'A', ttl: 60, data: '192.0.2.7' },
            { name: 'both.example', type: 'AAAA', ttl: 60, data: '2001:db8::7' },
          ]),
        )
        const networkInterfaces = () => ns.runSync(() => os.networkInterfaces())
        const source = { id: freshId(), rootFd: root.fd, servers: [server], networkInterfaces }
        const four = { address: '192.0.2.7', family: 4 }
        const six = { address: '2001:db8::7', family: 6 }
        assert.deepEqual(await lookup(source, 'both.example'), [four, six])
        assert.deepEqual(await lookup(source, 'both.example', { order: 'ipv6first' }), [six, four])
        assert.deepEqual(await lookup(source, 'both.example', { hints: dns.ADDRCONFIG }), [four])
      })
    } finally {
      ns.close()
      run('ip', 'netns', 'del', name)
    }
  })
})

async function startSide(name: string, address: string): Promise<Side> {
  run('ip', 'netns', 'add', name)
  run('ip', '-n', name, 'link', 'set', 'lo', 'up')
  mkdirSync(`/etc/netns/${name}`, { recursive: true })
  writeFileSync(`/etc/netns/${name}/resolv.conf`, 'nameserver 127.0.0.1\nsearch test\n')
  writeFileSync(`/etc/netns/${name}/hosts`, `${address.replace(/1$/, '2')} own\n`)
  const big = Array.from({ length: 200 }, (_, i) => `--host-record=big.test,10.8.0.${i}`)
  const server = spawn(
    'ip',
    [
      'netns',
      'exec',
      name,
      serverProgram('dnsmasq'),
      '--no-daemon',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
    ]
      .concat(['--listen-address=127.0.0.1', '--bind-interfaces'])
      .concat([`--address=/web.test/${address}`, `--txt-record=text.test,I am ${address}`, '--local=/test/'])
      .concat([
        `--ptr-record=${address.split('.').reverse().join('.')}.in-addr.arpa,web.test`,
        '--local-ttl=60',
        ...big,
      ]),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  server.stderr.on('data', (chunk) => {
    said += chunk
  })
  const ns = Namespace.named(name)
  const source = { id: freshId(), name }
  const probe = () => ns.run(() => resolve(source, 'web.test', 'A', { tries: 1, timeout: 1000 }))
  for (let tries = 0; tries < 100; tries++) {
    const error = await probe().then(
      () => undefined,
      (reason) => reason,
    )
    if (error === undefined) return { ns, source, address, server }
    assert.equal(server.exitCode, null, said)
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`dnsmasq does not answer: ${said}`)
}

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`)
}
