// node:http2 against nginx: a session belongs to the namespace it was opened in.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { test } from 'node:test'
import { interleave, usedByTurns } from './support/interleave.js'
import { startNginx } from './support/nginx-server.js'
import { needsServers, twoSides } from './support/sides.js'

test(
  'http2: a session a namespace, interleaved: no answer from the wrong side',
  needsServers('nginx', 'openssl'),
  async () => {
    await using sides = await twoSides()
    const { https, ca } = await startNginx(sides)
    const use = usedByTurns(
      sides,
      () => connect(https, { ca }),
      (session) => session.close(),
    )
    await interleave(sides, {
      ask: (side, n) => use(side, n, ask),
      askAtHome: () => askAtHome(https),
    })
  },
)

test('http2: a session for every request', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { https, ca } = await startNginx(sides)
  await interleave(sides, {
    ask: (side) =>
      side.ns.run(async () => {
        const session = connect(https, { ca })
        const answer = await ask(session)
        session.close()
        return answer
      }),
    askAtHome: () => askAtHome(https),
  })
})

test('http2: a session is refused to every other side', needsServers('nginx', 'openssl'), async () => {
  await using sides = await twoSides()
  const { https, ca } = await startNginx(sides)
  const shared = sides.red.ns.run(() => connect(https, { ca }))
  sides.atEnd(() => shared.close())
  assert.equal(await sides.red.ns.run(() => ask(shared)), 'red')
  await assert.rejects(
    sides.blue.ns.run(() => ask(shared)),
    { code: 'ERR_NSFD_POOL' },
  )
  await assert.rejects(ask(shared), { code: 'ERR_NSFD_POOL' })
  assert.equal(await ask(sides.red.ns.bind(shared)), 'red')
})

async function ask(session: ClientHttp2Session): Promise<string> {
  let body = ''
  const stream = session.request({ ':path': '/' }).setEncoding('utf8')
  stream.on('data', (text: string) => {
    body += text
  })
  await once(stream, 'end')
  return body
}

async function askAtHome(url: string): Promise<string> {
  const session = connect(url)
  try {
    await once(session, 'connect')
    return await ask(session)
  } finally {
    session.destroy()
  }
}
