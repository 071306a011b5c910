// nodemailer to an SMTP server on each side: pooled transports, and a connection a mail.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport, type Transporter } from 'nodemailer'
import { interleave, usedByTurns } from './support/interleave.js'
import { needsServers, type Sides, twoSides } from './support/sides.js'

const options = ({ port }: Sides) => ({ host: '127.0.0.1', port, secure: false, ignoreTLS: true })
const close = (transport: Transporter) => transport.close()

test('nodemailer: a pooled transport a namespace, interleaved: no mail to the wrong side', needsServers(), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await side.startProgram('smtp-sink', [String(sides.port)])
  const use = usedByTurns<Transporter>(
    sides,
    () => createTransport({ ...options(sides), pool: true, maxConnections: 5 }),
    close,
  )
  await interleave(sides, {
    ask: (side, n) => use(side, n, (transport) => send(transport, n)),
    expected: (side) => side.ns.toString(),
    askAtHome: (n) => send(createTransport(options(sides)), n),
  })
})

test('nodemailer: a connection for every mail', needsServers(), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await side.startProgram('smtp-sink', [String(sides.port)])
  const shared = createTransport(options(sides)) // without a pool it keeps no connection: contexts may share it
  await interleave(sides, {
    ask: (side, n) => side.ns.run(() => send(shared, n)),
    expected: (side) => side.ns.toString(),
    askAtHome: (n) => send(shared, n),
  })
})

test(
  'nodemailer: a shared pool sends wherever its connection was opened: to the wrong side',
  needsServers(),
  async () => {
    await using sides = await twoSides()
    const { red, blue } = sides
    for (const side of sides.both) await side.startProgram('smtp-sink', [String(sides.port)])
    const shared = createTransport({ ...options(sides), pool: true, maxConnections: 1 })
    sides.atEnd(() => shared.close())
    assert.equal(await red.ns.run(() => send(shared, 1)), red.ns.toString())
    assert.equal(await blue.ns.run(() => send(shared, 2)), red.ns.toString())
  },
)

/** Who took the mail. */
async function send(transport: Transporter, n: number): Promise<string> {
  const mail = { from: 'me@example.test', to: 'you@example.test', subject: `mail ${n}`, text: 'Hello!' }
  const { response } = await transport.sendMail(mail)
  const [, where, subject] = /(net:\[\d+\]) has (.*)$/.exec(response ?? '') ?? []
  assert.equal(subject, `mail ${n}`)
  return String(where)
}
