// Inspector, profiler and tracing inside runSync: refused before their thread is born abroad. At home they work as ever.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'nsfd-threads-'))
})
after(() => rmSync(folder, { recursive: true }))

async function start(what: string, where: string): Promise<{ code: string; message: string; abroad: string[] }> {
  const at = new URL('./programs/start-thread.js', import.meta.url)
  const { signal, stdout, stderr } = await runProgram(at, { args: [what, where, folder] })
  assert.equal(signal, 'SIGKILL', stderr) // by its own hand, when it has said everything
  return JSON.parse(stdout)
}

const WAYS = [
  'inspector.open',
  'Profiler.start',
  'Profiler.start by promise',
  'NodeTracing.start',
  'trace_events',
  'startCpuProfile',
]

for (const way of WAYS) {
  test(`${way} inside runSync is refused, and no thread is abroad; at home it works`, needs('admin'), async (t) => {
    const atHome = await start(way, 'home')
    if (atHome.code === 'missing') return t.skip(`this Node has no ${way}`)
    assert.deepEqual(atHome, { code: 'started', message: '', abroad: [] })
    const { code, message, abroad } = await start(way, 'inside')
    assert.equal(code, 'ERR_NSFD_THREAD_ABROAD')
    assert.match(message, /cannot be started inside runSync/)
    assert.deepEqual(abroad, [])
  })
}

test('what starts no thread is let pass inside runSync', needs('admin'), async () => {
  assert.deepEqual(await start('Profiler.enable', 'inside'), { code: 'started', message: '', abroad: [] })
})
