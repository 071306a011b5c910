// What a test needs of the machine. `test('…', needs('root'), () => …)` skips where it is missing, with the reason;
// NSFD_REQUIRE=root,… (as CI sets it) turns that skip into a failure.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { dirname } from 'node:path'
import { after, afterEach, before, beforeEach } from 'node:test'
import { hasCode } from '#dist/kernel/errors.js'
import { LACKING_SERVERS } from './servers.js'

/** Each answers with what is missing, as the end of "skipped, because …". */
const LACKING = {
  /** CAP_SYS_ADMIN over the user namespace the tests run in: root, or root of a user namespace. */
  admin: () =>
    hasCapability(CAP_SYS_ADMIN) ? undefined : 'it needs CAP_SYS_ADMIN (run as root, or allow user namespaces)',
  /** root of the machine, not of a user namespace. */
  root: () =>
    hasCapability(CAP_SYS_ADMIN) && isInitialUserNamespace() ? undefined : 'it needs root on the machine itself',
  userns: () =>
    succeeds('unshare', '--user', '--map-root-user', 'true') ? undefined : 'user namespaces may not be created here',
  iproute2: () => (succeeds('ip', '-V') && succeeds('ss', '-V') ? undefined : 'iproute2 (ip, ss) is not installed'),
  /** Files of named namespaces can be put where ip(8) and nsfd look for them. */
  etcNetns: () => (isWritable('/etc/netns') ? undefined : 'it needs to write to /etc/netns'),
  /** File handles of namespaces and NS_GET_ID. */
  handles: () => (isKernelAtLeast(6, 18) ? undefined : `it needs Linux 6.18, this is ${release()}`),
  ...LACKING_SERVERS,
} as const

export type Need = keyof typeof LACKING

const CAP_SYS_ADMIN = 21n
const HOOKS = { before, after, beforeEach, afterEach }
const NO_HOOKS: typeof HOOKS = { before() {}, after() {}, beforeEach() {}, afterEach() {} }
const required = new Set((process.env.NSFD_REQUIRE ?? '').split(','))
const answers = new Map<Need, string | undefined>()

/** Options for test(): runs it, or skips it with the reason. @throws where NSFD_REQUIRE forbids the skip. */
export function needs(...needed: Need[]): { skip?: string } {
  for (const need of needed) {
    const reason = lacking(need)
    if (reason === undefined) continue
    if (required.has(need)) throw new Error(`NSFD_REQUIRE names '${need}', but ${reason}`)
    return { skip: reason }
  }
  return {}
}

/** The hooks of a file whose every test needs this: none of them runs where all those tests are skipped. */
export function hooksFor(...needed: Need[]): typeof HOOKS {
  return needed.every(has) ? HOOKS : NO_HOOKS
}

export function has(need: Need): boolean {
  return lacking(need) === undefined
}

function lacking(need: Need): string | undefined {
  if (!answers.has(need)) answers.set(need, LACKING[need]())
  return answers.get(need)
}

function hasCapability(bit: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return (BigInt(`0x${effective}`) & (1n << bit)) !== 0n
}

/** The first user namespace maps every id to itself. */
function isInitialUserNamespace(): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
}

/** A directory that is there, or can be made. */
function isWritable(path: string): boolean {
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK)
    return true
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EROFS')) return false
    throw error
  }
}

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function isKernelAtLeast(major: number, minor: number): boolean {
  const [hasMajor = 0, hasMinor = 0] = release().split('.').map(Number)
  return hasMajor > major || (hasMajor === major && hasMinor >= minor)
}
