// Every example runs to its end and says something.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { needs } from '../support/needs.js'

const folder = fileURLToPath(new URL('../../examples/', import.meta.url))

for (const name of readdirSync(folder).filter((each) => each.endsWith('.js'))) {
  test(`examples/${name} runs`, { ...needs('admin', 'iproute2'), timeout: 60_000 }, () => {
    const said = execFileSync(process.execPath, [join(folder, name)], { encoding: 'utf8' })
    assert.match(said, /\S/)
  })
}
