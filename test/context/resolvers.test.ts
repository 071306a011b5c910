// dns.resolve* and dns.Resolver inside run: one query for all who ask at once, cancelling, patience, and what errors say.
import assert from 'node:assert/strict'
import dns from 'node:dns'
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Namespace } from '#dist/index.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { descriptors } from '../support/state.js'
import { startServer, type TestServer } from './names/server.js'
import { failure } from './names/support.js'
import { closeSites, makeSites, spaceOf } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()

/** A namespace with a name server in it that answers when it is told to. */
async function withServer(work: (ns: Namespace, server: TestServer, resolver: dns.promises.Resolver) => Promise<void>) {
  const sites = makeSites(1)
  const ns = spaceOf(sites[0])
  try {
    await ns.run(async () => {
      await using server = await startServer(({ name }) => {
        if (name.startsWith('silent')) return undefined
        return { answers: [{ name, type: 'A', ttl: 0, data: '10.0.0.1' }] }
      })
      const resolver = new dns.promises.Resolver({ timeout: 10_000 })
      resolver.setServers([`127.0.0.1:${server.port}`])
      await work(ns, server, resolver)
    })
  } finally {
    closeSites(sites)
  }
}

const sockets = () => descriptors().filter((line) => line.includes('socket:')).length

describe('dns.Resolver inside run', needs('admin', 'iproute2'), () => {
  test('a hundred questions for one name at once are one query', () =>
    withServer(async (_, server, resolver) => {
      const found = await Promise.all(Array.from({ length: 100 }, () => resolver.resolve4('a.example')))
      assert.deepEqual(new Set(found.flat()), new Set(['10.0.0.1']))
      assert.equal(server.questions.length, 1)
    }))

  test('cancel() ends the questions of its resolver, and not those of another for the same name', () =>
    withServer(async (ns, server, resolver) => {
      const before = sockets()
      const other = new dns.promises.Resolver({ timeout: 10_000 })
      other.setServers(resolver.getServers())
      const mine = Array.from({ length: 20 }, () => failure(resolver.resolve4('silent.example')))
      const others = failure(other.resolve4('silent.example'))
      while (server.questions.length === 0) await new Promise((done) => setTimeout(done, 5))
      resolver.cancel()
      const [first, ...rest] = await Promise.all(mine)
      assert.deepEqual(
        { code: first?.code, syscall: first?.syscall, hostname: first?.hostname },
        { code: 'ECANCELLED', syscall: 'queryA', hostname: 'silent.example' },
      )
      assert.ok(rest.every(({ code }) => code === 'ECANCELLED'))
      assert.equal(server.questions.length, 1)
      assert.equal(sockets(), before + 1, 'one socket for the one who still waits')
      ns.run(() => other.cancel())
      assert.equal((await others).code, 'ECANCELLED')
      await new Promise((done) => setTimeout(done, 20))
      assert.equal(sockets(), before, 'nobody waits any more')
      assert.deepEqual(await resolver.resolve4('a.example'), ['10.0.0.1'], 'it goes on working')
    }))

  test('its timeout and tries are those it was made with', () =>
    withServer(async (_, server) => {
      for (const { Resolver } of [dns, dns.promises]) {
        server.questions.length = 0
        const resolver = new Resolver({ timeout: 60, tries: 3 }) as dns.promises.Resolver
        resolver.setServers([`127.0.0.1:${server.port}`])
        const started = performance.now()
        const ask = Resolver === dns.Resolver ? promised(resolver) : resolver.resolve4('silent.example')
        assert.equal((await failure(ask)).code, 'ETIMEOUT')
        assert.ok(performance.now() - started < 2_000)
        assert.equal(server.questions.length, 3)
        assert.ok(resolver instanceof Resolver)
      }
    }))
})

test(
  'an error that is not of DNS keeps its text: the file of names cannot be read',
  needs('admin', 'iproute2', 'etcNetns'),
  async () => {
    const name = uniqueName('unreadable')
    using made = Namespace.create('net')
    const pin = made.pin(name)
    const hadFolder = existsSync('/etc/netns')
    const folder = `/etc/netns/${name}`
    mkdirSync(`${folder}/resolv.conf`, { recursive: true }) // a directory is no file of names
    writeFileSync(`${folder}/hosts`, '')
    try {
      using ns = Namespace.named(name)
      const asked = {
        queryA: () => dns.promises.resolve4('a.example'),
        queryMx: () => dns.promises.resolveMx('a.example'),
        getHostByAddr: () => dns.promises.reverse('10.0.0.1'),
        getaddrinfo: () => dns.promises.lookup('a.example'),
        queryTxt: () => promised(dns as never, 'resolveTxt', 'a.example'),
      }
      for (const [syscall, ask] of Object.entries(asked)) {
        const error = await ns.run(ask).then(
          () => assert.fail(syscall),
          (reason) => reason,
        )
        const hostname = syscall === 'getHostByAddr' ? '10.0.0.1' : 'a.example'
        const { code, message, cause } = error
        assert.deepEqual(
          { code, syscall: error.syscall, hostname: error.hostname },
          { code: 'ERR_NSFD_NAMES', syscall, hostname },
        )
        assert.ok(message.startsWith(`${syscall} ERR_NSFD_NAMES ${hostname}: `), message)
        assert.match(message, /resolv\.conf.*not a regular file/)
        assert.equal((cause as NodeJS.ErrnoException).code, 'ERR_NSFD_NAMES')
      }
    } finally {
      pin.unpin()
      rmSync(folder, { recursive: true })
      if (!hadFolder && readdirSync('/etc/netns').length === 0) rmdirSync('/etc/netns')
    }
  },
)

type Query = (name: string, callback: (error: Error | null, found: unknown) => void) => void

function promised(resolver: unknown, method = 'resolve4', name = 'silent.example'): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const query = (resolver as Record<string, Query>)[method] as Query
    query.call(resolver, name, (error, found) => (error ? reject(error) : resolve(found)))
  })
}
