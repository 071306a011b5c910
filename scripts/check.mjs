// `npm run check`: everything that can be wrong without running the tests. Each check prints one line, or what it found.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkDocs } from './check-docs.mjs'
import { houseRules } from './house.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = (name) => join(root, 'node_modules', '.bin', name)
const scratch = mkdtempSync(join(tmpdir(), 'nsfd-check-'))

// Of attw's questions one does not apply: "node10" is resolution before package.json had "exports"; Node >= 20.19 never uses it.
const CHECKS = {
  'format and lint': () => run(bin('biome'), ['check', '.']),
  'the house: floors, koffi, lengths, console': () => houseRules(root),
  'the code in README and docs/': () => checkDocs(root),
  'npm pack': pack,
  'package.json (publint)': () => run(bin('publint'), ['run', '--strict', tarball()]),
  'types for import and require (attw)': () => run(bin('attw'), [tarball(), '--profile', 'node16', '--no-color']),
  "import and require('nsfd') as installed": installedBothWays,
}

let failed = 0
try {
  for (const [name, check] of Object.entries(CHECKS)) {
    const problem = check()
    process.stdout.write(problem === undefined ? `✔ ${name}\n` : `✖ ${name}\n${problem}\n`)
    if (problem !== undefined) failed++
  }
} finally {
  rmSync(scratch, { recursive: true })
}
process.exitCode = failed === 0 ? 0 : 1

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options })
  if (status === 0) return undefined
  return error?.message ?? `${stdout}${stderr}`.trimEnd()
}

/** What npm would publish. The build is already there: prepack need not run again. */
function pack() {
  return run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', scratch])
}

function tarball() {
  return join(scratch, readdirSync(scratch).find((name) => name.endsWith('.tgz')) ?? 'npm-pack-failed.tgz')
}

/** The packed files beside their dependencies, loaded by both module systems: the same classes, and no warning. */
function installedBothWays() {
  const modules = join(scratch, 'node_modules')
  mkdirSync(join(modules, 'nsfd'), { recursive: true })
  const unpacked = run('tar', ['-xzf', tarball(), '--strip-components=1', '-C', join(modules, 'nsfd')])
  if (unpacked !== undefined) return unpacked
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  const entries = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => join('nsfd', entry))
  const script = join(scratch, 'both.cjs')
  writeFileSync(script, bothWays(entries))
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', cwd: scratch })
  return status === 0 && stderr === '' ? undefined : `${stdout}${stderr}`
}

function bothWays(entries) {
  return `
    const assert = require('node:assert')
    ;(async () => {
      for (const entry of ${JSON.stringify(entries)}) {
        const required = require(entry)
        const imported = await import(entry)
        for (const name of Object.keys(imported)) {
          if (name !== 'default' && name !== 'module.exports') assert.strictEqual(required[name], imported[name], entry + ': ' + name)
        }
      }
      const { Namespace } = require('nsfd')
      assert.match(String(Namespace.current('net')), /^net:/)
    })()
  `
}
