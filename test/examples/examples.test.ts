// Every example runs to its end and says something.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { needs } from '../support/needs.js'

/** The call waits, so that the test's own timeout cannot interrupt it. */
const TIMEOUT_MS = 60_000
const folder = fileURLToPath(new URL('../../examples/', import.meta.url))

for (const name of readdirSync(folder).filter((each) => each.endsWith('.js'))) {
  test(`examples/${name} runs`, { ...needs('admin', 'iproute2'), timeout: 2 * TIMEOUT_MS }, () => {
    const said = execFileSync(process.execPath, [join(folder, name)], { encoding: 'utf8', timeout: TIMEOUT_MS })
    assert.match(said, /\S/)
  })
}
