// A PostgreSQL server whose cluster_name says which side it is on, with TLS by a certificate of its own.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { serverProgram } from '../../support/servers.js'
import { certificate } from './certificate.js'
import type { Server, Side, Sides } from './sides.js'

/** Makes one empty cluster of databases, and starts a server over a copy of it on each side. */
export async function startPostgres(sides: Sides): Promise<void> {
  const user = postgresUser()
  const template = join(sides.dir, 'template')
  chmodSync(sides.dir, 0o755)
  execFileSync('install', ['-d', '-o', 'postgres', '-m', '700', template])
  execFileSync(
    beside('initdb'),
    ['-D', template, '--no-sync', '--auth=trust', '--username=test', '--encoding=UTF8', '--locale=C'],
    {
      ...user,
      stdio: ['ignore', 'ignore', 'inherit'],
      cwd: sides.dir,
    },
  )
  for (const side of sides.both) {
    execFileSync('cp', ['-a', template, join(side.dir, 'data')])
    await startOn(side, sides.port, user)
  }
}

async function startOn(side: Side, port: number, user: User): Promise<Server> {
  const data = join(side.dir, 'data')
  const { cert, key } = certificate(side.dir, side.name)
  for (const [from, name] of [
    [cert, 'server.crt'],
    [key, 'server.key'],
  ] as const) {
    copyFileSync(from, join(data, name))
    chownSync(join(data, name), user.uid, user.gid)
    chmodSync(join(data, name), 0o600)
  }
  writeFileSync(
    join(data, 'postgresql.conf'),
    `cluster_name = '${side.name}'
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
shared_buffers = 16MB
fsync = off
ssl = on
`,
  )
  const server = await side.start(serverProgram('postgres'), ['-D', data], { ...user, cwd: data, end: 'SIGQUIT' })
  await answersQueries(side, port)
  return server
}

/** It accepts connections before it answers them: "the database system is starting up". */
async function answersQueries(side: Side, port: number): Promise<void> {
  const isReady = beside('pg_isready')
  const ask = () => spawnSync(isReady, ['--quiet', '--host=127.0.0.1', `--port=${port}`], { timeout: 10_000 }).status
  for (let tries = 0; side.ns.run(ask) !== 0; tries++) {
    if (tries === 200) throw new Error(`PostgreSQL of ${side.name} does not become ready`)
    await sleep(50)
  }
}

/** The programs that come with this server. */
function beside(name: string): string {
  return join(dirname(realpathSync(serverProgram('postgres'))), name)
}

type User = { uid: number; gid: number }

/** The server refuses to run as root. */
function postgresUser(): User {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
