// ssh2 to an sshd on each side: the command that runs there says in which network namespace it is.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import ssh2, { type Client, type ConnectConfig, type SFTPWrapper } from 'ssh2'
import { serverProgram } from '../support/servers.js'
import { interleave } from './support/interleave.js'
import { needsServers, type Server, type Side, type Sides, twoSides } from './support/sides.js'

const key = ssh2.utils.generateKeyPairSync('ed25519')
const hostKey = ssh2.utils.generateKeyPairSync('ed25519')

test(
  'ssh2: a connection a namespace, SFTP interleaved: no answer from the wrong side',
  needsServers('sshd'),
  async () => {
    await using sides = await twoSides()
    await Promise.all(sides.both.map((side) => startSshd(side, sides.port)))
    const sessions = new Map<Side, SFTPWrapper>()
    for (const side of sides.both) sessions.set(side, await side.ns.run(async () => sftp(await open(sides))))
    await interleave(sides, {
      ask: (side) =>
        new Promise((resolve, reject) => {
          sessions
            .get(side)
            ?.readlink('/proc/self/ns/net', (error, target) => (error ? reject(error) : resolve(target)))
        }),
      expected: (side) => side.ns.toString(),
      askAtHome: () => open(sides),
    })
  },
)

test('ssh2: a connection and a command for every request', needsServers('sshd'), async () => {
  await using sides = await twoSides()
  await Promise.all(sides.both.map((side) => startSshd(side, sides.port)))
  await interleave(sides, {
    ask: (side) =>
      side.ns.run(async () => {
        const client = await open(sides)
        const answer = await who(client)
        client.end()
        return answer
      }),
    expected: (side) => side.ns.toString(),
    askAtHome: () => open(sides),
    lanes: 4,
    requests: 60, // a login and a shell take a third of a second of processor
  })
})

test('ssh2: a forwarded connection starts where sshd is', needsServers('sshd'), async () => {
  await using sides = await twoSides()
  await Promise.all(sides.both.map((side) => startSshd(side, sides.port)))
  for (const side of sides.both)
    await side.startProgram('smtp-sink', [String(sides.port + 1)], { readyAt: sides.port + 1 })
  const clients = new Map<Side, Client>()
  for (const side of sides.both) clients.set(side, await side.ns.run(() => open(sides)))
  for (const side of sides.both) {
    const channel = await new Promise<NodeJS.ReadWriteStream>((resolve, reject) => {
      clients.get(side)?.forwardOut('127.0.0.1', 0, '127.0.0.1', sides.port + 1, (error, stream) => {
        if (error) reject(error)
        else resolve(stream)
      })
    })
    const [greeting] = await once(channel, 'data')
    assert.ok(String(greeting).includes(side.ns.toString()), String(greeting))
    channel.end()
  }
})

/** /run/sshd, which sshd insists on, exists in a mount namespace of its own only. */
function startSshd(side: Side, port: number): Promise<Server> {
  const [host, keys, file] = ['host-key', 'authorized-keys', 'sshd_config'].map((name) => join(side.dir, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(host, hostKey.private, { mode: 0o600 })
  writeFileSync(keys, `${key.public}\n`)
  writeFileSync(
    file,
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${host}
AuthorizedKeysFile ${keys}
PidFile none
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
StrictModes no
UseDNS no
MaxStartups 100
Subsystem sftp internal-sftp
`,
  )
  const prepared = 'mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec "$@"'
  return side.start('unshare', ['--mount', 'sh', '-c', prepared, 'sh', serverProgram('sshd'), '-D', '-e', '-f', file])
}

async function open(sides: Sides): Promise<Client> {
  const client = new ssh2.Client()
  const config: ConnectConfig = { host: '127.0.0.1', port: sides.port, username: 'root', privateKey: key.private }
  client.connect(config)
  await once(client, 'ready')
  sides.atEnd(() => client.end())
  return client
}

function sftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => client.sftp((error, session) => (error ? reject(error) : resolve(session))))
}

async function who(client: Client): Promise<string> {
  const channel = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    client.exec('readlink /proc/self/ns/net', (error, stream) => (error ? reject(error) : resolve(stream)))
  })
  let said = ''
  channel.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(channel, 'close')
  return said.trim()
}
