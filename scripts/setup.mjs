// Makes a fresh clone ready: installs dependencies and builds, each only when something it depends on changed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const say = (line) => process.stderr.write(`${line}\n`)

function fingerprint(paths) {
  const hash = createHash('sha256')
  const walk = (path) => {
    if (!existsSync(path)) return
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name))
    else hash.update(path.slice(root.length)).update(readFileSync(path))
  }
  for (const path of paths) walk(join(root, path))
  return hash.digest('hex')
}

function step(name, inputs, proofOfResult, announce, work) {
  const stamp = join(root, 'node_modules', `.nsfd-${name}`)
  const now = fingerprint(inputs)
  if (existsSync(join(root, proofOfResult)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return
  say(announce)
  const { status, error } = work()
  if (status !== 0) {
    say(`nsfd: ${name} failed${error ? `: ${error.message}` : ''}`)
    process.exit(status ?? 1)
  }
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, now)
}

// The output goes to stderr so that `npm run -s demo -- --json` prints nothing but JSON.
const run = (command, args) => spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })

step('install', ['package.json', 'package-lock.json'], 'node_modules/koffi', 'nsfd: installing dependencies …', () =>
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
)
step(
  'build',
  ['package.json', 'tsconfig.json', 'tsconfig.test.json', 'scripts/build.mjs', 'src', 'test', 'bench', 'examples'],
  'dist/index.js',
  'nsfd: building …',
  () => run(process.execPath, [join(root, 'scripts/build.mjs')]),
)
