// The rules of the house that a machine can check: floors, one seam to C, one length, no stray printing, every error explained.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** From the ground up. A file imports from its own floor and from floors below. index.ts and cli/ are on top. */
const FLOORS = ['kernel', 'namespace', 'rtnetlink', 'context', 'process', 'discovery', 'container', 'lab', 'publish']
const ON_TOP = ['cli', 'index.ts', 'rtnetlink.ts']
const MOST_LINES = 310
/** Tests are lists of experiments; a long list is no second idea. */
const MOST_TEST_LINES = 400

/** Undefined, or what breaks which rule where, one a line. */
export function houseRules(root) {
  const files = ['src', 'test', 'scripts', 'examples', 'bench'].flatMap((folder) => sources(root, folder))
  const problems = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const rules = file.startsWith('src/') ? [floors, seam, printing, length] : [length]
    return rules.map((rule) => rule(file, text)).filter(Boolean)
  })
  problems.push(...errorCodes(root))
  return problems.length === 0 ? undefined : problems.join('\n')
}

function floors(file, text) {
  const own = floorOf(file)
  if (ON_TOP.includes(own)) return undefined
  const height = FLOORS.indexOf(own)
  if (height === -1) return `${file}: '${own}' is no floor of the house`
  const above = imports(text)
    .filter((path) => path.startsWith('.'))
    .map((path) => floorOf(posix.join(posix.dirname(file), path)))
    .find((other) => FLOORS.indexOf(other) === -1 || FLOORS.indexOf(other) > height)
  return above === undefined ? undefined : `${file}: ${own} may not import from ${above}, which is above it`
}

function seam(file, text) {
  const isSeam = file === 'src/kernel/libc.ts'
  return !isSeam && /(from|import\(|require\()\s*'koffi'/.test(text)
    ? `${file}: only src/kernel/libc.ts knows koffi`
    : undefined
}

function printing(file, text) {
  return !file.startsWith('src/cli/') && /\bconsole\.\w+\(/.test(text)
    ? `${file}: only the command line prints`
    : undefined
}

function length(file, text) {
  const lines = text.split('\n').length - 1
  const most = file.startsWith('test/') ? MOST_TEST_LINES : MOST_LINES
  return lines > most ? `${file}: ${lines} lines; a file holds one idea in at most ${most}` : undefined
}

/** The codes that src/ throws and those that docs/errors.md explains are the same. */
function errorCodes(root) {
  const codesOf = (files) =>
    new Set(files.flatMap((file) => readFileSync(join(root, file), 'utf8').match(/ERR_NSFD_[A-Z_]+/g) ?? []))
  const [thrown, explained] = [codesOf(sources(root, 'src')), codesOf(['docs/errors.md'])]
  return [
    ...[...thrown].filter((code) => !explained.has(code)).map((code) => `docs/errors.md does not explain ${code}`),
    ...[...explained].filter((code) => !thrown.has(code)).map((code) => `docs/errors.md: nothing throws ${code}`),
  ]
}

function imports(text) {
  return [...text.matchAll(/(?:from\s+|import\(\s*|import\s+)'([^']+)'/g)].map(([, path]) => path)
}

function floorOf(file) {
  return file.split('/')[1]
}

function sources(root, folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true })
    .filter((file) => /\.(ts|mjs)$/.test(file))
    .map((file) => posix.join(folder, file))
}
