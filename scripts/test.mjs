// `npm test [-- FILTER…]`: runs the compiled tests, then proves that the machine is as it was before.
//
// FILTER: only files whose path contains one of the words.
// NSFD_REQUIRE=root,iproute2,…: what must not be missing; a test skipped for it fails (test/support/needs.ts).
//   `quiet`: nothing else uses this machine, so any change to it is ours and fails the run.
// NSFD_TEST_ROOTLESS=never: as an ordinary user, skip what needs privileges rather than enter a user namespace.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { descendants, differences, machineState } from './machine.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tests = join(root, 'build', 'test')
const filters = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const required = new Set((process.env.NSFD_REQUIRE ?? '').split(',').filter(Boolean))
const say = (line) => process.stdout.write(`${line}\n`)

const FILE_TIMEOUT_MS = 10 * 60_000
/** The kernel takes namespaces down some time after the last descriptor is closed. */
const SETTLE_MS = 8000

if (!mayAdminister() && process.env.NSFD_TEST_ROOTLESS !== 'never') runInsideUserNamespace()
await main()

async function main() {
  const files = testFiles()
  if (files.length === 0) {
    say(`No test file's path contains ${filters.join(' or ')}.`)
    process.exit(1)
  }
  becomeSubreaper()
  process.env.NSFD_TEST_RUN = process.pid.toString(36)
  const before = machineState()
  const results = await runTests(files)
  const traces = await whatWasLeft(before)
  summarize(results, traces)
  process.exitCode = results.failed > 0 || results.passed === 0 || traces.ours.length > 0 ? 1 : 0
}

function testFiles() {
  return readdirSync(tests, { recursive: true })
    .filter(
      (file) => file.endsWith('.test.js') && (filters.length === 0 || filters.some((word) => file.includes(word))),
    )
    .sort()
    .map((file) => join(tests, file))
}

/** Each file in a process of its own, so that tests may count threads and descriptors. */
async function runTests(files) {
  const results = { passed: 0, failed: 0, failures: [], skips: [] }
  const stream = run({ files, concurrency: Math.max(2, availableParallelism()), timeout: FILE_TIMEOUT_MS })
  stream.on('test:pass', (test) => {
    // A suite that is skipped stands for its tests, which nobody got to know.
    if (test.skip !== undefined) results.skips.push({ name: test.name, reason: String(test.skip) })
    else if (test.details.type !== 'suite' && !isFile(test)) results.passed++
  })
  stream.on('test:fail', (test) => {
    results.failed++
    results.failures.push(test.name)
  })
  const report = stream.compose(new spec())
  report.pipe(process.stdout, { end: false })
  await once(report, 'end')
  return results

  /** Node reports a whole file as a test too, by its path. */
  function isFile(test) {
    return files.includes(test.name) || files.some((file) => relative(process.cwd(), file) === test.name)
  }
}

/** Waits until nothing of ours is left, or long enough that it is there to stay. */
async function whatWasLeft(before) {
  const deadline = Date.now() + SETTLE_MS
  for (;;) {
    const traces = traceback(before)
    if (traces.ours.length === 0 && (traces.others.length === 0 || !required.has('quiet'))) return traces
    if (Date.now() > deadline) {
      for (const { pid } of descendants()) process.kill(pid, 'SIGKILL')
      return required.has('quiet') ? { ours: [...traces.ours, ...traces.others], others: [] } : traces
    }
    await sleep(100)
  }
}

/** What carries this run's mark is ours; on a machine that others use, the rest may be anybody's. */
function traceback(before) {
  const mark = `nsfd-${process.env.NSFD_TEST_RUN}`
  const processes = descendants().map(({ line }) => ({ what: 'processes', change: 'new', line }))
  const changes = differences(before, machineState())
  const isOurs = ({ line }) => line.includes(mark)
  return { ours: [...processes, ...changes.filter(isOurs)], others: changes.filter((each) => !isOurs(each)) }
}

function summarize({ passed, failed, failures, skips }, { ours, others }) {
  const list = (title, lines) => {
    if (lines.length > 0) say(`\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}`)
  }
  const byReason = Map.groupBy ? Map.groupBy(skips, ({ reason }) => reason) : groupByReason(skips)
  for (const [reason, skipped] of byReason) {
    list(
      `Skipped, because ${reason}:`,
      skipped.map(({ name }) => name),
    )
  }
  list('Failed:', failures)
  list(
    'Left behind on this machine:',
    ours.map(({ what, change, line }) => `${what}: ${change}: ${line}`),
  )
  list(
    'Changed meanwhile, not by these tests:',
    others.map(({ what, change, line }) => `${what}: ${change}: ${line}`),
  )
  const who = process.env.NSFD_TEST_ROOTLESS === 'inside' ? 'root in a user namespace' : `uid ${process.getuid()}`
  say(`\nNode ${process.version}, ${who}: ${passed} passed, ${failed} failed, ${skips.length} skipped.`)
  if (ours.length === 0) say('Pins, mounts, links, namespaces and processes are as they were before.')
}

function groupByReason(skips) {
  const groups = new Map()
  for (const skip of skips) groups.set(skip.reason, [...(groups.get(skip.reason) ?? []), skip])
  return groups
}

/** CAP_SYS_ADMIN, bit 21 of CapEff. */
function mayAdminister() {
  const status = readFileSync('/proc/self/status', 'utf8')
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'
  return (BigInt(`0x${effective}`) & (1n << 21n)) !== 0n
}

/**
 * A person without root is root of a user namespace, with a network, a /run and an /etc of its own. Returns where that is
 * refused. Of the kinds that a thread visits all are new: it may come back only to what belongs to its user namespace.
 * That /etc is links to the files of the machine's, so that /etc/netns can be written.
 */
function runInsideUserNamespace() {
  const prepare = `
    set -e
    mount -t tmpfs tmpfs /run
    mkdir /run/etc
    mount -t tmpfs tmpfs /run/etc
    mkdir /run/etc/.machine /run/etc/netns
    mount --rbind /etc /run/etc/.machine
    for each in /etc/*; do
      if [ -L "$each" ]; then cp -P "$each" /run/etc
      elif [ "$each" != /etc/netns ]; then ln -s "/etc/.machine/\${each#/etc/}" /run/etc; fi
    done
    mount --move /run/etc /etc
    ip link set lo up || true
    exec "$@"`
  const unshare = ['--user', '--map-root-user', '--mount', '--net', '--uts', '--ipc', '--cgroup', '--', 'sh', '-c']
  if (spawnSync('unshare', [...unshare, prepare, 'sh', 'true']).status !== 0) return
  const { status } = spawnSync(
    'unshare',
    [...unshare, prepare, 'sh', process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    { stdio: 'inherit', env: { ...process.env, NSFD_TEST_ROOTLESS: 'inside' } },
  )
  process.exit(status ?? 1)
}

/** prctl(PR_SET_CHILD_SUBREAPER): a process whose parent died becomes our child, not init's, and cannot hide. */
function becomeSubreaper() {
  const koffi = createRequire(import.meta.url)('koffi')
  const prctl = koffi.load(null).func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)')
  if (prctl(36, 1, 0, 0, 0) !== 0) throw new Error('prctl(PR_SET_CHILD_SUBREAPER) failed')
}
