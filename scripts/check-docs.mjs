// The code in README and docs/, compiled against the built types: a name or an argument that nsfd does not have is found.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FROM = {
  nsfd: 'Namespace NamespaceWorker openTarget spawn socketat setns discover AF_INET SOCK_STREAM',
  'nsfd/rtnetlink': 'Route wire',
  'node:http': 'createServer',
}
const DECLARED = {
  'import("nsfd").Namespace': 'red blue ns',
  'import("nsfd/rtnetlink").Route': 'rt',
  '(batch: import("nsfd/rtnetlink").Batch) => void': 'build',
  'string[]': 'names',
  AbortSignal: 'signal',
  // What belongs to the libraries that a page is about.
  any: `pg http net dns http2 mqtt got axios http2wrapper http2Wrapper Pool Agent Client Redis Service WebSocketServer request
    createClient createTransport credentials buildConnector options url origin config sql mail topic host port address
    ca callback handle work onResponse`,
}
const OPTIONS =
  '--ignoreConfig --noEmit --strict --target es2023 --lib es2023,esnext.disposable --module nodenext --types node --skipLibCheck'

/** @returns what is wrong, or undefined */
export function checkDocs(root) {
  const folder = join(root, 'build')
  mkdirSync(folder, { recursive: true })
  const scratch = mkdtempSync(join(folder, 'docs-'))
  try {
    for (const page of ['README.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))]) {
      const text = readFileSync(join(root, page), 'utf8')
      for (const { line, code } of blocksOf(text)) {
        writeFileSync(join(scratch, `${page.replaceAll('/', '-')}-${line}.mts`), compilable(code, line))
      }
    }
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const files = readdirSync(scratch).map((name) => join(scratch, name))
    const { stdout, status } = spawnSync(process.execPath, [tsc, ...OPTIONS.split(' '), ...files], {
      cwd: root,
      encoding: 'utf8',
    })
    return status === 0 ? undefined : stdout.trimEnd()
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function blocksOf(text) {
  return [...text.matchAll(/^```(?:ts|js)\n([\s\S]*?)^```$/gm)].map((match) => ({
    code: match[1],
    line: text.slice(0, match.index).split('\n').length,
  }))
}

/** All that a block leaves unsaid in its first line, and as many empty ones as put the code where it is on the page. */
function compilable(code, line) {
  const missing = (words) => words.split(/\s+/).filter((word) => uses(code, word) && !declares(code, word))
  const imports = Object.entries(FROM).map(([module, words]) => [missing(words), module])
  const declarations = Object.entries(DECLARED).flatMap(([type, words]) => missing(words).map((word) => [word, type]))
  const first = [
    ...imports
      .filter(([words]) => words.length > 0)
      .map(([words, from]) => `import { ${words.join(', ')} } from '${from}'`),
    ...declarations.map(([word, type]) => `declare const ${word}: ${type}`),
    'export {}',
  ]
  return `${first.join('; ')}${'\n'.repeat(line)}${code}`
}

const uses = (code, word) => new RegExp(`(?<![.\\w'/-])${word}\\b(?!:)`).test(code)
const declares = (code, word) => new RegExp(`(const|using|import) [^=]*\\b${word}\\b[^=]*(=|from)`).test(code)
