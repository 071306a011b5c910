// Fail closed and fail stop: what happens where the mechanism cannot work, each in a process of its own.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { needs } from '../support/needs.js'

const program = (name: string) => fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url))

function runProgram(name: string, { through = [] as string[], preload = '', args = [] as string[] } = {}) {
  const preloads = preload === '' ? [] : ['--import', program(preload)]
  const [command = '', ...rest] = [...through, process.execPath, ...preloads, program(name), ...args]
  const { status, signal, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: 20_000 })
  return { status, signal, stdout, stderr }
}

const BREAKS = [
  'TCP.bind',
  'TCP.bind6',
  'TCP.connect',
  'TCP.connect6',
  'TCP.listen',
  'Pipe.bind',
  'Pipe.connect',
  'UDP.bind',
  'UDP.bind6',
  'UDP.send',
  'UDP.send6',
  'Process.spawn',
]

for (const way of ['ignore', 'frozen']) {
  for (const target of BREAKS) {
    test(
      `${target} cannot be wrapped (${way}): every run is refused with ERR_NSFD_UNPROVEN, and nothing is made`,
      needs('admin'),
      () => {
        const { status, stdout, stderr } = runProgram('try-run', {
          preload: 'break-wrap',
          args: [target, way],
        })
        assert.equal(status, 0, stderr)
        assert.deepEqual(JSON.parse(stdout), {
          first: 'ERR_NSFD_UNPROVEN',
          second: 'ERR_NSFD_UNPROVEN',
          third: 'ERR_NSFD_UNPROVEN',
          sockets: 0,
          called: false,
        })
      },
    )
  }
}

test('the way back fails: the process says why and aborts before anything else happens', needs('admin'), () => {
  const { signal, stdout, stderr } = runProgram('lose-the-way-back')
  assert.equal(signal, 'SIGABRT')
  assert.match(stderr, /nsfd: FATAL: this thread cannot return to its net namespace .*EBADF/)
  assert.doesNotMatch(stdout, /went on/)
})

test('an ordinary user: EPERM, with what was asked and what to do; no socket is made', needs('root'), () => {
  const { status, stdout, stderr } = runProgram('as-nobody')
  assert.equal(status, 0, stderr)
  const errors = JSON.parse(stdout) as { code: string; syscall: string; message: string }[]
  assert.equal(errors.length, 2)
  for (const { code, syscall, message } of errors) {
    assert.equal(code, 'EPERM')
    assert.equal(syscall, 'setns')
    assert.match(message, /cannot enter net:\[\d+\]; .*CAP_SYS_ADMIN/)
  }
})
