// Namespaces of processes: every kind of pid that is not one, and pids that change hands.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { type Kind, Namespace } from 'nsfd'
import { KIND_NAMES } from '#dist/namespace/kinds.js'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'
import { comesTrue, sleeper } from '../support/sleeper.js'
import { descriptors, flagsOf } from '../support/state.js'

everyTestEndsAtHome()

const O_CLOEXEC = 0o2000000

for (const kind of KIND_NAMES) {
  test(`the ${kind} namespace of another process is the one /proc shows`, async () => {
    await using other = await sleeper()
    using its = Namespace.ofProcess(other.pid, kind)
    assert.equal(String(its), readlinkSync(`/proc/${other.pid}/ns/${kind}`))
    assert.equal(flagsOf(its.fd) & O_CLOEXEC, O_CLOEXEC)
  })
}

test('the namespace of a process that lives elsewhere is elsewhere', needs('admin'), async () => {
  await using other = await sleeper('unshare', '--net', '--uts', '--ipc', '--')
  for (const kind of ['net', 'uts', 'ipc'] as Kind[]) {
    using its = Namespace.ofProcess(other.pid, kind)
    using home = Namespace.current(kind)
    assert.ok(!its.equals(home))
  }
})

test('what was opened stays open when the process has ended', needs('admin'), async () => {
  const other = await sleeper('unshare', '--net', '--')
  using its = Namespace.ofProcess(other.pid, 'net')
  await other[Symbol.asyncDispose]()
  using again = its.clone()
  assert.ok(again.equals(its))
  assert.throws(() => Namespace.ofProcess(other.pid, 'net'), { code: 'ESRCH' })
})

test('what is no pid never reaches the kernel', () => {
  const before = descriptors()
  for (const pid of [
    0,
    -1,
    -0,
    1.5,
    Number.NaN,
    Infinity,
    2 ** 31,
    2 ** 32 + process.pid,
    '1',
    `${process.pid}`,
    null,
    undefined,
    {},
    1n,
  ]) {
    assert.throws(() => Namespace.ofProcess(pid as number, 'net'), { code: 'ERR_INVALID_ARG_VALUE', message: /pid/ })
  }
  assert.deepEqual(descriptors(), before)
})

test('a dead pid is ESRCH, and nothing is left open', () => {
  const { pid } = spawnSync('true')
  const before = descriptors()
  assert.throws(() => Namespace.ofProcess(pid, 'net'), {
    code: 'ESRCH',
    syscall: 'pidfd_open',
    kind: 'net',
    message: /no process has that pid/,
  })
  assert.throws(() => Namespace.ofProcess(2 ** 31 - 1, 'net'), { code: 'ESRCH' })
  assert.deepEqual(descriptors(), before)
})

test('a zombie holds no namespaces any more: the error says so, and nothing is left open', async () => {
  // The shell starts a child that ends at once, and becomes a program that never waits for it.
  await using parent = await sleeper('sh', '-c', 'true & exec "$@"', 'sh')
  const zombie = await comesTrue(() => zombieBelow(parent.pid))
  const before = descriptors()
  assert.throws(() => Namespace.ofProcess(zombie, 'net'), {
    code: /ENOENT|EACCES|ESRCH/,
    kind: 'net',
    message: /zombie/,
  })
  assert.deepEqual(descriptors(), before)
})

test('the id of a thread is no process: the error says so', () => {
  const thread = readdirSync('/proc/self/task')
    .map(Number)
    .find((tid) => tid !== process.pid) as number
  assert.ok(thread > 0)
  assert.throws(() => Namespace.ofProcess(thread, 'net'), { syscall: 'pidfd_open', message: /id of a thread/ })
})

test(
  'a pid that is recycled between asking and opening is never opened as the old process',
  needs('admin'),
  async () => {
    const program = new URL('./programs/recycled-pid.js', import.meta.url)
    const { code, stdout, stderr } = await runProgram(program, {
      through: ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
    })
    assert.equal(code, 0, stderr)
    const { recycled, wrong, refused } = JSON.parse(stdout)
    assert.ok(recycled > 0, 'no pid was recycled, so nothing was tried')
    assert.equal(wrong, 0)
    assert.equal(refused, recycled)
  },
)

function zombieBelow(parent: number): number | undefined {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      const { stdout } = spawnSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' })
      return new RegExp(`\\) Z ${parent} `).test(stdout)
    })
}
