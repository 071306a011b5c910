// Limits: no descriptor left, no namespace left. Operations fail by name, leak nothing and leave the thread at home.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyTestEndsAtHome } from '../support/home.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'

everyTestEndsAtHome()

test('with 0 to 24 descriptors left every operation works or is refused; nothing leaks, the thread is at home', {
  ...needs('admin', 'userns', 'handles'),
  timeout: 60_000,
}, async () => {
  const { code, stdout, stderr } = await runProgram(new URL('./programs/few-descriptors.js', import.meta.url), {
    args: [uniqueName('few')],
    through: ['sh', '-c', 'ulimit -c 0; ulimit -n 96; exec "$@"', 'sh'],
  })
  assert.equal(code, 0, stderr)
  const { wrong, outcomes } = JSON.parse(stdout)
  assert.deepEqual(wrong, [])
  for (const [name, tally] of Object.entries<Record<string, number>>(outcomes)) {
    assert.ok((tally.ok ?? 0) > 0, `${name} never worked: ${JSON.stringify(tally)}`)
    assert.ok(Object.keys(tally).length > 1, `${name} was never refused: ${JSON.stringify(tally)}`)
  }
  assert.deepEqual(Object.keys(outcomes.socketat).sort(), ['EMFILE', 'ok'])
})

test(
  'where no more namespaces may be made, create is ENOSPC, says which limit, and the thread stays',
  needs('userns'),
  async () => {
    const { code, stdout, stderr } = await runProgram(new URL('./programs/no-more-namespaces.js', import.meta.url), {
      through: ['unshare', '--user', '--map-root-user', '--net', '--uts', '--ipc', '--cgroup', '--'],
    })
    assert.equal(code, 0, stderr)
    for (const { kind, outcome, message, athome } of JSON.parse(stdout)) {
      assert.equal(outcome, 'ENOSPC', `${kind}: ${message}`)
      assert.match(message, /max_\*_namespaces/)
      assert.equal(athome, true)
    }
  },
)
