// Which servers a test talks to. `test('…', needsServers('redis'), …)` skips where one is not installed, with the reason;
// NSFD_REQUIRE=redis,… (as CI sets it) turns that skip into a failure. scripts/ci-services.sh installs them all.
import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '#dist/kernel/errors.js'

/** What a server's program is called, where that is not its own name. `node`: the tests bring the server along. */
const PROGRAMS = {
  postgres: 'postgres',
  redis: 'redis-server',
  nginx: 'nginx',
  mosquitto: 'mosquitto',
  sshd: 'sshd',
  dnsmasq: 'dnsmasq',
  openssl: 'openssl',
  node: process.execPath,
} as const

export type ServerName = keyof typeof PROGRAMS

const required = new Set((process.env.NSFD_REQUIRE ?? '').split(','))

/** Options for test(): runs it, or skips it with the reason. @throws where NSFD_REQUIRE forbids the skip. */
export function needsServers(...names: ServerName[]): { skip?: string; timeout: number } {
  const timeout = 120_000
  if (process.getuid?.() !== 0)
    return { skip: refuseSkip('root', 'it needs root: servers in network namespaces'), timeout }
  for (const name of ['ip', ...names.map((each) => PROGRAMS[each])]) {
    if (find(name) !== undefined) continue
    const need = names.find((each) => PROGRAMS[each] === name) ?? 'iproute2'
    return { skip: refuseSkip(need, `${need} is not installed (${name}; see scripts/ci-services.sh)`), timeout }
  }
  return { timeout }
}

/** The path of a server's program. */
export function program(name: ServerName): string {
  const path = find(PROGRAMS[name])
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

function refuseSkip(need: string, reason: string): string {
  if (required.has(need)) throw new Error(`NSFD_REQUIRE names '${need}', but ${reason}`)
  return reason
}

function find(name: string): string | undefined {
  if (name.includes('/')) return name
  return folders()
    .find((folder) => isExecutable(join(folder, name)))
    ?.concat('/', name)
}

/** Debian keeps servers where an ordinary PATH does not lead: /usr/sbin, and PostgreSQL by version. */
function folders(): string[] {
  const versions = entries('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`)
  return [...(process.env.PATH ?? '').split(':').filter(Boolean), '/usr/sbin', '/sbin', ...versions]
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
