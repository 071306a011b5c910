// rtnetlink beside its peers, in one run: `ip -batch`, vishvananda/netlink (Go), pyroute2, and the kernel's own floor.
// Run: node build/bench/rtnetlink.js. Needs root. What is not installed is left out, with a line.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Namespace } from 'nsfd'
import { Route } from 'nsfd/rtnetlink'
import { libc } from '#dist/kernel/libc.js'
import { addLink } from '#dist/rtnetlink/objects/link-operations.js'
import { openNetlink } from '#dist/rtnetlink/socket/netlink-socket.js'

const PAIRS = 500
const LINKS = 1000
const RUNS = 5
const GROUP = 77
/** The kernel takes a namespace down some time after it is closed; what is measured next should not pay for it. */
const SETTLE_MS = 300
const QUEUES = { txQueues: 1, rxQueues: 1 }
const peers = join(dirname(fileURLToPath(import.meta.url)).replace(/\/build\/bench$/, '/bench'), 'peers', 'rtnetlink')
const scratch = mkdtempSync(join(tmpdir(), 'nsfd-bench-'))

type Row = { name: string; ms: number }
type Place = { near: Namespace; far: Namespace; rt: Route; there: Route }

try {
  const go = buildGo()
  const python = findPython()
  await table(`List ${LINKS} links`, await list(go, python))
  await table('Ask for one link', await get(go, python))
  await table(`${PAIRS} veth pairs; the far end in another namespace, with an address and up`, await wires(go, python))
  await table(`Delete ${PAIRS} veth pairs`, await deletions())
} finally {
  rmSync(scratch, { recursive: true })
}

async function list(go: string | undefined, python: string | undefined): Promise<Row[]> {
  return inPlace(async ({ near, rt }) => {
    await rt.batch((b) => {
      for (let i = 0; i < LINKS / 2; i++)
        b.link.add({ name: `n${i}`, kind: 'veth', ...QUEUES, peer: { name: `f${i}`, ...QUEUES } })
    })
    return [
      { name: 'nsfd', ms: await median(15, () => rt.links()) },
      ...peer('Go vishvananda/netlink', go, near, 'list', LINKS),
      ...peer('pyroute2', python, near, 'list', LINKS),
      { name: 'ip -j link (a process)', ms: await median(5, () => ip(near, ['-j', 'link'])) },
    ]
  })
}

async function get(go: string | undefined, python: string | undefined): Promise<Row[]> {
  return inPlace(async ({ near, rt }) => [
    { name: 'nsfd', ms: await median(3000, () => rt.link.get(1)) },
    ...peer('Go vishvananda/netlink', go, near, 'get', 3000),
    ...peer('pyroute2', python, near, 'get', 300),
    { name: 'ip -j link show lo (a process)', ms: await median(20, () => ip(near, ['-j', 'link', 'show', 'lo'])) },
  ])
}

/** Each in turn, round after round, so that all see the same weather. */
async function wires(go: string | undefined, python: string | undefined): Promise<Row[]> {
  const ways: [string, (place: Place) => Promise<number> | number][] = [
    ['nsfd, one queue', (place) => timed(() => wireByUs(place, QUEUES))],
    ['nsfd', (place) => timed(() => wireByUs(place, {}))],
    ['the same bytes by bare send(2), one queue', wireBare],
    [
      'ip -batch, far end born in place, one queue',
      (place) => timed(() => wireByIp(place, ' numtxqueues 1 numrxqueues 1')),
    ],
    ['ip -batch, far end born in place', (place) => timed(() => wireByIp(place, ''))],
    ['ip -batch, made here and moved (50, times 10)', (place) => moveByIp(place)],
  ]
  if (go) ways.push(['Go vishvananda/netlink, one queue', ({ near, far }) => runPeer(go, near, 'wire', PAIRS, far)])
  if (python) ways.push(['pyroute2, one queue', ({ near, far }) => runPeer(python, near, 'wire', PAIRS, far)])
  const times = new Map(ways.map(([name]) => [name, [] as number[]]))
  for (let run = 0; run < RUNS; run++) {
    for (const [name, way] of ways) await inPlace(async (place) => times.get(name)?.push(await way(place)))
  }
  return [...times].map(([name, all]) => ({ name, ms: middle(all) }))
}

async function deletions(): Promise<Row[]> {
  const ways: [string, (place: Place) => Promise<unknown>][] = [
    ['nsfd, by their group', ({ rt }) => rt.link.delete({ group: GROUP })],
    ['ip link del group', async ({ near }) => ip(near, ['link', 'del', 'group', String(GROUP)])],
    [
      'nsfd, one by one in a batch',
      ({ rt }) =>
        rt.batch((b) => {
          for (let i = 0; i < PAIRS; i++) b.link.delete(`n${i}`)
        }),
    ],
  ]
  const rows: Row[] = []
  for (const [name, way] of ways) {
    await inPlace(async (place) => {
      await wireByUs(place, QUEUES)
      rows.push({ name, ms: await timed(() => way(place)) })
    })
  }
  return rows
}

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

function peer(name: string, program: string | undefined, ns: Namespace, job: string, count: number): Row[] {
  return program === undefined ? [] : [{ name, ms: runPeer(program, ns, job, count) }]
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

function buildGo(): string | undefined {
  cpSync(join(peers, 'main.go'), join(scratch, 'main.go'))
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOPATH: '/usr/share/gocode',
    GOCACHE: join(scratch, 'cache'),
    GOFLAGS: '',
  }
  const { status } = spawnSync('go', ['build', '-o', join(scratch, 'go'), join(scratch, 'main.go')], { env })
  if (status === 0) return join(scratch, 'go')
  console.log('Go is left out: install golang-go and golang-github-vishvananda-netlink-dev')
  return undefined
}

function findPython(): string | undefined {
  if (spawnSync('/usr/bin/python3', ['-c', 'import pyroute2']).status === 0) return join(peers, 'main.py')
  console.log('pyroute2 is left out: install python3-pyroute2')
  return undefined
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

async function median(runs: number, work: () => unknown): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < runs; i++) times.push(await timed(work))
  return middle(times)
}

function middle(times: number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] as number
}

async function table(title: string, rows: Row[]): Promise<void> {
  const [first] = rows as [Row]
  console.log(`\n${title}`)
  for (const { name, ms } of rows) {
    const shown = ms < 1 ? `${(ms * 1000).toFixed(1)} us` : `${ms.toFixed(1)} ms`
    console.log(`  ${name.padEnd(48)} ${shown.padStart(12)}   x ${(ms / first.ms).toFixed(2)}`)
  }
}
