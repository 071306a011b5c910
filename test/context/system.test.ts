// What else of Node asks the kernel about namespaces: the host's name, and execve.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import os from 'node:os'
import { test } from 'node:test'
import { Namespace } from '#dist/index.js'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()

test("os.hostname is the uts namespace's inside run of one, and home's inside run of a net one", needs('admin'), () => {
  using uts = Namespace.create('uts')
  using net = Namespace.create('net')
  const home = os.hostname()
  const name = `nsfd-${process.pid}`

  uts.run(() => execFileSync('hostname', [name]))
  assert.equal(uts.run(os.hostname), name)
  assert.equal(
    net.run(() => uts.run(() => net.run(os.hostname))),
    name,
    'kinds do not disturb each other',
  )
  assert.equal(net.run(os.hostname), home, 'a network namespace has no name of its own')
  assert.equal(os.hostname(), home)
})

const hasExecve = 'execve' in process
test(
  'process.execve inside run: the program that takes over is in the namespace',
  hasExecve ? needs('admin') : { skip: 'this Node has no process.execve' },
  async () => {
    const { code, stdout, stderr } = await runProgram(new URL('./programs/exec-inside.js', import.meta.url))
    assert.equal(code, 0, stderr)
    const [expected, actual] = stdout.trim().split('\n')
    assert.match(expected ?? '', /^net:/)
    assert.equal(actual, expected)
  },
)
