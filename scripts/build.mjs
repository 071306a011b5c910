// Builds dist/ (the package) and build/ (tests, benches, examples) with tsc, and the CommonJS face beside the ESM one.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
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

/**
 * The command line in two files, what needs no parser and the rest: loading forty modules takes Node longer than what
 * `nsfd enter` does. A file's own place is written in by name, since the bundle lies elsewhere.
 */
async function bundleCommand() {
  const { build } = await import('esbuild')
  const dist = join(root, 'dist')
  const places = {
    name: 'import.meta.url',
    setup: (build) =>
      build.onLoad({ filter: /\/dist\/.*\.js$/ }, ({ path }) => {
        const here = `__fileUrl(${JSON.stringify(relative(dist, path))})`
        return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', here), loader: 'js' }
      }),
  }
  const apart = {
    name: 'main.js',
    setup: (build) => build.onResolve({ filter: /^\.\/main\.js$/ }, () => ({ path: './main.cjs', external: true })),
  }
  const fileUrl = `require('node:url').pathToFileURL(require('node:path').join(__dirname, '..', path)).href`
  for (const name of ['nsfd', 'main']) {
    await build({
      entryPoints: [join(dist, `cli/${name}.js`)],
      outfile: join(dist, `cli/${name}.cjs`),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      supported: { 'dynamic-import': false }, // require() is the quicker way to a CommonJS file
      packages: 'external',
      plugins: [places, apart],
      banner: { js: `const __fileUrl = (path) => ${fileUrl}` },
      logLevel: 'warning',
    })
  }
  chmodSync(join(dist, 'cli/nsfd.cjs'), 0o755)
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
rmSync(join(root, 'build'), { recursive: true, force: true })
compile('tsconfig.json')
writeCommonJsFace()
await bundleCommand()
if (existsSync(join(root, 'test'))) compile('tsconfig.test.json')
