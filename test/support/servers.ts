// Where the programs of servers are. Debian keeps them where an ordinary PATH does not lead.
import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '#dist/kernel/errors.js'

/** What each server's program is called. scripts/ci-services.sh installs them all. */
const PROGRAMS = {
  postgres: 'postgres',
  redis: 'redis-server',
  nginx: 'nginx',
  mosquitto: 'mosquitto',
  sshd: 'sshd',
  dnsmasq: 'dnsmasq',
  openssl: 'openssl',
} as const

export type ServerName = keyof typeof PROGRAMS
type Lacking = () => string | undefined

/** For needs(): what is missing, as the end of "skipped, because …". */
export const LACKING_SERVERS = Object.fromEntries(
  Object.entries(PROGRAMS).map(([name, file]) => [
    name,
    () => (find(file) === undefined ? `${name} is not installed (scripts/ci-services.sh does)` : undefined),
  ]),
) as Record<ServerName, Lacking>

/** The path of a server's program. @throws if it is not installed */
export function serverProgram(name: ServerName): string {
  const path = find(PROGRAMS[name])
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

function find(file: string): string | undefined {
  const versions = entries('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`)
  const folders = [...(process.env.PATH ?? '').split(':').filter(Boolean), '/usr/sbin', '/sbin', ...versions]
  return folders.map((folder) => join(folder, file)).find(isExecutable)
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return false
    throw error
  }
}
