// undici and http2 are not loaded by nsfd, but by whoever uses them first, after the first run(): kept apart from then on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../support/needs.js'
import { runProgram } from '../support/program.js'

const major = Number.parseInt(process.versions.node, 10)
const CLIENTS = [
  'fetch',
  'captured fetch',
  'Response',
  'Headers',
  'WebSocket',
  'Response in runSync',
  'undici',
  'undici-7',
  'undici-8',
  'undici, then fetch',
  'fetch, then undici',
  'a dispatcher set in the same breath',
]

async function use(client: string, first: string): Promise<[asked: string, answered: string][]> {
  const { code, stdout, stderr } = await runProgram(new URL('./programs/first-use.js', import.meta.url), {
    args: [client, first],
  })
  assert.equal(code, 0, stderr)
  const { loaded, answers } = JSON.parse(stdout)
  assert.deepEqual(loaded, [], 'loaded before anybody used it')
  assert.equal(answers.length, 12)
  return answers
}

for (const client of CLIENTS) {
  const possible = client === 'undici-8' && major < 22 ? { skip: 'undici 8 needs Node 22' } : needs('admin')
  test(
    `${client}, loaded after the first run(), at home and inside: each place is answered by its own server`,
    possible,
    async () => {
      for (const first of ['home', 'A', 'B']) {
        for (const [asked, answered] of await use(client, first))
          assert.equal(answered, asked, `first used by ${first}`)
      }
    },
  )
}

test(
  'http2, loaded after the first run(): a session is used where it was opened, and refused elsewhere',
  needs('admin'),
  async () => {
    for (const first of ['home', 'A']) {
      for (const [asked, answered] of await use('http2', first)) {
        assert.equal(answered, asked === first ? first : 'ERR_NSFD_POOL', `opened by ${first}, asked by ${asked}`)
      }
    }
  },
)
