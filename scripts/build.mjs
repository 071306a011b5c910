// Builds dist/ (the package) and build/ (tests, benches, examples) with tsc, and the CommonJS face beside the ESM one.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

function compile(project) {
  const run = spawnSync(process.execPath, [tsc, '-p', join(root, project)], { stdio: 'inherit', cwd: root })
  if (run.status !== 0) process.exit(run.status ?? 1)
}

// One copy of the code serves both module systems: the context's state must exist once a process.
// Node >= 20.19 loads ESM by require(); the types are copied with the endings CommonJS resolution asks for.
function writeCommonJsFace() {
  const dist = join(root, 'dist')
  const entries = Object.values(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
    .map((e) => e?.require?.default)
    .filter(Boolean)
  for (const entry of entries) {
    const esm = `./${entry
      .split('/')
      .pop()
      .replace(/\.cjs$/, '.js')}`
    writeFileSync(join(root, entry), `'use strict'\nmodule.exports = require('${esm}')\n`)
  }
  for (const file of readdirSync(dist, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue
    const text = readFileSync(join(dist, file), 'utf8')
    const commonJs = text.replace(/(from |import\(|declare module )(['"])(\.[^'"]+)\.js\2/g, '$1$2$3.cjs$2')
    writeFileSync(join(dist, file.replace(/\.d\.ts$/, '.d.cts')), commonJs)
  }
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
rmSync(join(root, 'build'), { recursive: true, force: true })
compile('tsconfig.json')
writeCommonJsFace()
if (existsSync(join(root, 'dist/cli/main.js'))) chmodSync(join(root, 'dist/cli/main.js'), 0o755)
if (existsSync(join(root, 'test'))) compile('tsconfig.test.json')
