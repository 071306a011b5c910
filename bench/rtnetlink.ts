// rtnetlink beside its peers, in one run: `ip -batch`, vishvananda/netlink (Go), pyroute2, and the kernel's own floor.
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Namespace } from 'nsfd'
import { Route } from 'nsfd/rtnetlink'
import { libc } from '#dist/kernel/libc.js'
import { addLink } from '#dist/rtnetlink/objects/link-operations.js'
import { openNetlink } from '#dist/rtnetlink/socket/netlink-socket.js'
import { alternate, median, pairedRatio } from './figures.js'
import type { Bench } from './main.js'
import type { Report, Row } from './report.js'

const PAIRS = 500
const LINKS = 1000
const ROUNDS = 5
const GROUP = 77
/** The kernel takes a namespace down some time after it is closed; what is measured next should not pay for it. */
const SETTLE_MS = 300
const QUEUES = { txQueues: 1, rxQueues: 1 }
const IP_QUEUES = ' numtxqueues 1 numrxqueues 1'
const SOURCES = join(dirname(fileURLToPath(import.meta.url)).replace(/\/build\/bench$/, '/bench'), 'peers', 'rtnetlink')

type Place = { near: Namespace; far: Namespace; rt: Route; there: Route }
type Way = (place: Place) => Promise<number> | number
/** Programs of bench/peers, as far as they can run here. */
type Peers = { Go?: string; pyroute2?: string }

export const rtnetlink: Bench = {
  title: `links listed and asked for; ${PAIRS} veth pairs, the far end in another namespace, with an address and up`,
  async run(stage, report) {
    const peers = { ...buildGo(stage.directory(), report), ...findPython(report) }
    report.rows.push(await list(peers), await one(peers), ...(await wires(peers)), ...(await deletions()))
    report.notes.push(
      'bare: the same bytes made beforehand and sent by one send(2), answers not read. Floor of the kernel.',
    )
    report.notes.push(
      'Where nothing is said of queues, a veth has one for each possible CPU, each way: the kernel chooses.',
    )
  },
}

async function list(peers: Peers): Promise<Row> {
  return inPlace(async ({ near, rt }) => {
    await rt.batch((b) => {
      for (let i = 0; i < LINKS / 2; i++)
        b.link.add({ name: `n${i}`, kind: 'veth', ...QUEUES, peer: { name: `f${i}`, ...QUEUES } })
    })
    const turns = {
      nsfd: () => middleOf(15, () => rt.links()),
      ...ofPeers(peers, (program) => async () => runPeer(program, near, 'list', LINKS)),
      'ip -j (a process)': () => middleOf(3, () => ip(near, ['-j', 'link'])),
    }
    const times = await alternate(turns, ROUNDS)
    return rowOf(`list ${LINKS} links`, times, 'Go', { atMost: 1 })
  })
}

async function one(peers: Peers): Promise<Row> {
  return inPlace(async ({ near, rt }) => {
    const turns = {
      nsfd: () => middleOf(1000, () => rt.link.get(1)),
      ...ofPeers(peers, (program) => async () => runPeer(program, near, 'get', 300)),
      'ip -j (a process)': () => middleOf(5, () => ip(near, ['-j', 'link', 'show', 'lo'])),
    }
    return rowOf('ask for one link', await alternate(turns, ROUNDS), 'Go')
  })
}

async function wires(peers: Peers): Promise<Row[]> {
  const oneQueue = await alternate(
    inPlaces({
      nsfd: (place) => timed(() => wireByUs(place, QUEUES)),
      bare: wireBare,
      'ip -batch': (place) => timed(() => wireByIp(place, IP_QUEUES)),
      ...ofPeers(
        peers,
        (program) =>
          ({ near, far }: Place) =>
            runPeer(program, near, 'wire', PAIRS, far),
      ),
    }),
    ROUNDS,
  )
  const asItComes = await alternate(
    inPlaces({
      nsfd: (place) => timed(() => wireByUs(place, {})),
      'ip -batch': (place) => timed(() => wireByIp(place, '')),
      'ip, made here and moved (50, times 10)': moveByIp,
    }),
    ROUNDS,
  )
  return [
    rowOf(`${PAIRS} pairs, one queue`, oneQueue, 'ip -batch', { atMost: 0.85 }),
    rowOf('… to the bare sends', oneQueue, 'bare', { atMost: 1.1 }),
    rowOf(`${PAIRS} pairs, queues as they come`, asItComes, 'ip -batch', { atMost: 0.85 }),
    rowOf('… to making and moving', asItComes, 'ip, made here and moved (50, times 10)', { atMost: 0.05 }),
  ]
}

async function deletions(): Promise<Row[]> {
  const after = (work: (place: Place) => unknown) => async (place: Place) => {
    await wireByUs(place, QUEUES)
    return timed(() => work(place))
  }
  const byGroup = inPlaces({
    nsfd: after(({ rt }) => rt.link.delete({ group: GROUP })),
    'ip -batch': after(({ near }) => ip(near, ['link', 'del', 'group', String(GROUP)])),
  })
  return [rowOf(`delete ${PAIRS} pairs by their group`, await alternate(byGroup, ROUNDS), 'ip -batch')]
}

/** Each turn in namespaces of its own. */
function inPlaces(ways: Record<string, Way>): Record<string, () => Promise<number>> {
  const entries = Object.entries(ways).map(([name, way]) => [name, () => inPlace(async (place) => way(place))])
  return Object.fromEntries(entries)
}

function ofPeers<T>(peers: Peers, turn: (program: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(peers).map(([name, program]) => [name, turn(program)]))
}

/** @param beside whom the ratio compares with; no ratio, if it is not here */
function rowOf(what: string, times: Record<string, number[]>, beside: string, aim?: Row['aim']): Row {
  const figures = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, shown(median(all))]))
  const theirs = times[beside]
  if (theirs === undefined) return { what, figures }
  const ratio = pairedRatio(times.nsfd as number[], theirs)
  return aim === undefined ? { what, figures, ratio } : { what, figures, ratio, aim }
}

const shown = (ms: number) => (ms < 1 ? `${(ms * 1000).toFixed(1)} us` : `${ms.toFixed(1)} ms`)

async function wireByUs({ rt, there, far }: Place, queues: object): Promise<void> {
  const made = await rt.batch((b) => {
    for (let i = 0; i < PAIRS; i++) {
      b.link.add({
        name: `n${i}`,
        kind: 'veth',
        group: GROUP,
        ...queues,
        peer: { name: `f${i}`, netns: far, up: true, ...queues },
      })
    }
  })
  const addressed = await there.batch((b) => {
    for (let i = 0; i < PAIRS; i++) b.address.add({ dev: `f${i}`, address: `10.${i >> 8}.${i & 255}.1/24` })
  })
  if (!made.ok || !addressed.ok) throw (made.failures[0] ?? addressed.failures[0])?.error
}

/** What the kernel itself takes: requests made beforehand, sent by one system call, answers not even read. */
async function wireBare({ near, far, there }: Place): Promise<number> {
  const requests = (each: (i: number) => ReturnType<typeof addLink>) =>
    Buffer.concat(
      Array.from({ length: PAIRS }, (_, i) => {
        const built = each(i).build(() => 0)
        return ((Array.isArray(built) ? built[0] : built) as { bytes: Buffer }).bytes
      }),
    )
  const links = requests((i) =>
    addLink({
      name: `n${i}`,
      kind: 'veth',
      group: GROUP,
      ...QUEUES,
      peer: { name: `f${i}`, netns: far, up: true, ...QUEUES },
    }),
  )
  const fd = openNetlink(near)
  const begin = performance.now()
  libc().send(fd, links, links.length, 0)
  const made = performance.now() - begin
  libc().close(fd)
  const addressing = await timed(async () => {
    const { failures } = await there.batch((b) => {
      for (let i = 0; i < PAIRS; i++) b.address.add({ dev: `f${i}`, address: `10.${i >> 8}.${i & 255}.1/24` })
    })
    if (failures[0]) throw failures[0].error
  })
  return made + addressing
}

function wireByIp({ near, far }: Place, queues: string): void {
  const lines = (each: (i: number) => string) => Array.from({ length: PAIRS }, (_, i) => each(i)).join('\n')
  const path = `/proc/${process.pid}/fd/${far.fd}`
  ip(
    near,
    ['-batch', '-'],
    lines((i) => `link add n${i}${queues} group ${GROUP} type veth peer name f${i} netns ${path}${queues}`),
  )
  ip(
    far,
    ['-batch', '-'],
    lines((i) => `addr add 10.${i >> 8}.${i & 255}.1/24 dev f${i}\nlink set f${i} up`),
  )
}

function moveByIp({ near, far }: Place): Promise<number> {
  const path = `/proc/${process.pid}/fd/${far.fd}`
  const some = Array.from({ length: PAIRS / 10 }, (_, i) => i)
  const add = some.map((i) => `link add n${i} type veth peer name f${i}\nlink set f${i} netns ${path}`).join('\n')
  const up = some.map((i) => `addr add 10.0.${i}.1/24 dev f${i}\nlink set f${i} up`).join('\n')
  return timed(() => {
    ip(near, ['-batch', '-'], add)
    ip(far, ['-batch', '-'], up)
  }).then((ms) => ms * 10)
}

function ip(ns: Namespace, args: string[], input = ''): void {
  const net = `--net=/proc/${process.pid}/fd/${ns.fd}`
  const { status, stderr } = spawnSync('nsenter', [net, 'ip', ...args], { input, stdio: ['pipe', 'ignore', 'pipe'] })
  if (status !== 0) throw new Error(String(stderr))
}

/** The far namespace is handed down as descriptor 3. */
function runPeer(program: string, ns: Namespace, job: string, count: number, far: Namespace = ns): number {
  const inner = program.endsWith('.py') ? ['/usr/bin/python3', program] : [program]
  const third = program.endsWith('.py') ? `/proc/${process.pid}/fd/${far.fd}` : '3'
  const command = [`--net=/proc/${process.pid}/fd/${ns.fd}`, ...inner, job, String(count), third]
  const { status, stdout, stderr } = spawnSync('nsenter', command, { stdio: ['ignore', 'pipe', 'pipe', far.fd] })
  if (status !== 0) throw new Error(String(stderr))
  return Number(stdout)
}

function buildGo(scratch: string, report: Report): Peers {
  const [source, program] = [join(scratch, 'main.go'), join(scratch, 'go')]
  cpSync(join(SOURCES, 'main.go'), source)
  const own = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(scratch, 'cache'), GOFLAGS: '' }
  const { status } = spawnSync('go', ['build', '-o', program, source], { env: { ...process.env, ...own } })
  if (status === 0) return { Go: program }
  report.skipped.push('Go is left out: install golang-go and golang-github-vishvananda-netlink-dev')
  return {}
}

function findPython(report: Report): Peers {
  if (spawnSync('/usr/bin/python3', ['-c', 'import pyroute2']).status === 0)
    return { pyroute2: join(SOURCES, 'main.py') }
  report.skipped.push('pyroute2 is left out: install python3-pyroute2')
  return {}
}

async function inPlace<T>(work: (place: Place) => Promise<T>): Promise<T> {
  await sleep(SETTLE_MS)
  using near = Namespace.create('net')
  using far = Namespace.create('net')
  await using rt = Route.open(near)
  await using there = Route.open(far)
  const result = await work({ near, far, rt, there })
  // One by one, with their namespace, links go a hundred times slower than by their group.
  const made = (await rt.links()).filter(({ kind }) => kind === 'veth')
  await rt.batch((b) => {
    for (const { index } of made) b.link.set(index, { group: GROUP })
  })
  if (made.length > 0) await rt.link.delete({ group: GROUP })
  return result
}

async function timed(work: () => unknown): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

async function middleOf(runs: number, work: () => unknown): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < runs; i++) times.push(await timed(work))
  return median(times)
}
