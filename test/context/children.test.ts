// Children: every function of child_process starts them inside; Workers are at home; cluster refuses.
import assert from 'node:assert/strict'
import child from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { hooksFor, needs } from '../support/needs.js'
import { readText } from './support/protocols.js'
import { closeSites, home, makeSites, type Site, spaceOf } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()
const { after, before } = hooksFor('admin')
let sites: Site[] = []
before(() => {
  sites = [...makeSites(2), home]
})
after(() => closeSites(sites))

const program = (name: string) => fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url))
const LINK = '/proc/self/ns/net'

const WAYS: Record<string, () => Promise<string> | string> = {
  spawn: async () => readText(child.spawn('readlink', [LINK]).stdout),
  'spawn with a shell': async () => readText(child.spawn(`readlink ${LINK}`, { shell: true }).stdout),
  exec: async () => (await promisify(child.exec)(`readlink ${LINK}`)).stdout,
  execFile: async () => (await promisify(child.execFile)('readlink', [LINK])).stdout,
  fork: async () => String((await once(child.fork(program('where-am-i')), 'message'))[0]),
  spawnSync: () => child.spawnSync('readlink', [LINK], { encoding: 'utf8' }).stdout,
  execSync: () => child.execSync(`readlink ${LINK}`, { encoding: 'utf8' }),
  execFileSync: () => child.execFileSync('readlink', [LINK], { encoding: 'utf8' }),
}

for (const [name, start] of Object.entries(WAYS)) {
  test(
    `${name}: started in two namespaces and at home at once, each child is where its context is`,
    needs('admin'),
    async () => {
      const asked = [...sites, ...sites].map(async (site) => [(await site.run(start)).trim(), site.place])
      for (const [where, place] of await Promise.all(asked)) assert.equal(where, place)
    },
  )
}

test('a command that does not exist fails as it does at home, and the thread is home', needs('admin'), async () => {
  const [error] = await (sites[0] as Site).run(() => once(child.spawn('/nonexistent'), 'error').catch((e) => [e]))
  assert.equal(error.code, 'ENOENT')
})

test('children inherit no descriptor of a namespace', needs('admin'), async () => {
  const list = () => promisify(child.execFile)('ls', ['-l', '/proc/self/fd'])
  assert.doesNotMatch((await (sites[0] as Site).run(list)).stdout, /net:\[/)
})

test('a Worker started inside run is at home, and run works on it', needs('admin'), async () => {
  const worker = (sites[0] as Site).run(() => new Worker(program('worker')))
  const [said] = (await once(worker, 'message')) as [{ start: string; inside: string; wanted: string; end: string }]
  assert.equal(said.start, home.place)
  assert.equal(said.inside, said.wanted)
  assert.notEqual(said.inside, home.place)
  assert.equal(said.end, home.place)
  await once(worker, 'exit')
})

test('a Worker inside runSync is refused, subclasses too, and no thread is started', needs('admin'), () => {
  const threads = readdirSync('/proc/self/task').length
  class Mine extends Worker {}
  for (const Kind of [Worker, Mine]) {
    assert.throws(() => spaceOf(sites[0]).runSync(() => void new Kind(program('worker'))), {
      code: 'ERR_NSFD_THREAD_ABROAD',
    })
  }
  assert.equal(readdirSync('/proc/self/task').length, threads)
})

test(
  'cluster: fork inside run is refused; in a worker, servers inside run are, but for exclusive ones',
  needs('admin'),
  async () => {
    assert.throws(() => (sites[0] as Site).run(() => cluster.fork()), { code: 'ERR_NSFD_CLUSTER' })
    cluster.setupPrimary({ exec: program('cluster-worker') })
    const worker = cluster.fork()
    const [said] = (await once(worker, 'message')) as [Record<string, string>]
    assert.deepEqual(said, { shared: 'ERR_NSFD_CLUSTER', datagrams: 'ERR_NSFD_CLUSTER', exclusive: 'inside' })
    worker.disconnect()
    await once(worker, 'exit')
  },
)
