// Fail stop: a thread that cannot come home takes the process down, loudly, before anything else happens.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'

for (const on of ['main thread', 'worker']) {
  for (const how of ['runSync', 'runSync that throws', 'socketat', 'create']) {
    test(`${how} on the ${on}: no way home aborts the process, and says why on stderr`, needs('admin'), async () => {
      const { signal, stdout, stderr } = await runProgram(new URL('./programs/no-way-home.js', import.meta.url), {
        args: [how, on],
        through: ['sh', '-c', 'ulimit -c 0; exec "$@"', 'sh'],
      })
      assert.equal(stdout, '', 'something ran after the failed return')
      assert.match(stderr, /nsfd: FATAL: this thread cannot return to its net namespace .*EPERM/)
      assert.equal(signal, 'SIGABRT')
    })
  }
}

test(
  'where a thread could leave but not come back, it does not leave: EPERM, with the reason, and the process lives',
  needs('userns'),
  async () => {
    const { code, stdout, stderr } = await runProgram(new URL('./programs/one-way.js', import.meta.url), {
      through: ['unshare', '--user', '--map-root-user', '--'],
    })
    assert.equal(code, 0, stderr)
    for (const told of JSON.parse(stdout)) {
      assert.equal(told.code, 'EPERM', told.kind)
      assert.match(told.message, /could not come back.*nsfd --rootless/)
      assert.equal(told.athome, true)
    }
  },
)
