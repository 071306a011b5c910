// The examination: each check asks the machine one thing; each feature follows from the answers.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { hasCode } from '../kernel/errors.js'
import { libc } from '../kernel/libc.js'
import { CAP, type Capability, hasCapability } from '../kernel/privilege.js'
import { KIND_NAMES } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { findTool } from '../process/hop.js'
import { countPins, findHolder } from './holder.js'
import { isInsideRootless } from './rootless-marker.js'

export type Status = 'ok' | 'note' | 'warning' | 'bad'
/** note: worth knowing, nothing to do. */
export type Check = { id: string; name: string; status: Status; found: string; advice?: string }
export type Feature = { id: string; name: string; works: boolean; because?: string }

const KERNEL_OLDEST = [5, 8] as const // setns and pidfds for every kind, time namespaces
const NODE_OLDEST = [20, 19] as const

export async function examine(): Promise<{ checks: Check[]; features: Feature[] }> {
  const checks = CHECKS.map((check) => check())
  const fine = (id: string) =>
    checks.some((each) => each.id === id && each.status !== 'bad' && each.status !== 'warning')
  return { checks, features: featuresFrom(fine) }
}

const CHECKS: (() => Check)[] = [
  kernelVersion,
  nodeVersion,
  foreignFunctions,
  privileges,
  userNamespaces,
  kindsPresent,
  handles,
  tool('iproute2', 'ip', 'ip netns and nsfd share their names; nsfd itself does not need it'),
  tool(
    'util-linux',
    'nsenter',
    'install util-linux: mnt, user and time, and --rootless, need nsenter(1) and unshare(1)',
  ),
  holderOfRootless,
]

function featuresFrom(fine: (id: string) => boolean): Feature[] {
  const base = fine('node') && fine('koffi') && fine('kernel')
  const admin = base && fine('privileges')
  const rootless = base && fine('userns') && fine('util-linux')
  const needAdmin = rootless ? 'it needs root; or add --rootless' : 'it needs root'
  const feature = (id: string, name: string, works: boolean, because: string): Feature =>
    works ? { id, name, works } : { id, name, works, because: base ? because : 'see the marks above' }
  return [
    feature('look', 'nsfd ls, Namespace.current, ofProcess of your own processes', base, ''),
    feature('create', 'nsfd add and rm; Namespace.create and pin', admin, needAdmin),
    feature('enter', 'nsfd exec; run, runSync, setns, socketat', admin, needAdmin),
    feature('spawn', 'spawn into mnt, user and time', admin && fine('util-linux'), needAdmin),
    feature(
      'rootless',
      'all of it in a user namespace of your own: nsfd --rootless',
      rootless,
      'see user namespaces above',
    ),
    feature('handles', 'handle() and fromHandle()', base && fine('handles'), 'it needs Linux 6.18'),
  ]
}

function kernelVersion(): Check {
  const found = `Linux ${release()}`
  if (isAtLeast(release(), KERNEL_OLDEST)) return { id: 'kernel', name: 'kernel', status: 'ok', found }
  return {
    id: 'kernel',
    name: 'kernel',
    status: 'bad',
    found,
    advice: `nsfd needs Linux ${KERNEL_OLDEST.join('.')} or later`,
  }
}

function nodeVersion(): Check {
  const found = `${process.version} (${process.arch})`
  if (isAtLeast(process.versions.node, NODE_OLDEST)) return { id: 'node', name: 'Node', status: 'ok', found }
  return { id: 'node', name: 'Node', status: 'bad', found, advice: `nsfd needs Node ${NODE_OLDEST.join('.')} or later` }
}

function foreignFunctions(): Check {
  try {
    libc()
    return { id: 'koffi', name: 'koffi', status: 'ok', found: 'calls the C library' }
  } catch (error) {
    return { id: 'koffi', name: 'koffi', status: 'bad', found: 'does not load', advice: (error as Error).message }
  }
}

function privileges(): Check {
  const about = { id: 'privileges', name: 'privileges' }
  const held = (Object.keys(CAP) as Capability[]).filter(hasCapability)
  const who = `uid ${process.getuid?.()}${isInsideRootless() ? ' of the user namespace of --rootless' : ''}`
  const found = `${who}, ${held.length === 0 ? 'no capabilities' : held.join(' ')}`
  if (held.includes('CAP_SYS_ADMIN')) return { ...about, status: 'ok', found }
  return {
    ...about,
    status: 'warning',
    found,
    advice: 'entering and creating need CAP_SYS_ADMIN: run as root, or with --rootless',
  }
}

/** Who forbids user namespaces, and how to allow them: <sysctl, the value that forbids, the cure>. */
const USERNS_SWITCHES = [
  ['user/max_user_namespaces', '0', 'sysctl user.max_user_namespaces=10000'],
  ['kernel/unprivileged_userns_clone', '0', 'sysctl kernel.unprivileged_userns_clone=1'],
  [
    'kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows userns for node and unshare',
  ],
] as const

function userNamespaces(): Check {
  const about = { id: 'userns', name: 'user namespaces' }
  const tried = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true'], { encoding: 'utf8' })
  if (tried.status === 0) return { ...about, status: 'ok', found: 'allowed: --rootless works' }
  const culprits = USERNS_SWITCHES.filter(([file, forbids]) => readSysctl(file) === forbids)
  const found = `refused: ${tried.error?.message ?? tried.stderr.trim()}`
  const advice =
    culprits.map(([, , cure]) => cure).join('; ') || 'a container runtime or security module may forbid them here'
  return { ...about, status: 'warning', found, advice }
}

function kindsPresent(): Check {
  const about = { id: 'kinds', name: 'kinds' }
  const missing = KIND_NAMES.filter((kind) => !existsSync(`/proc/self/ns/${kind}`))
  const present = KIND_NAMES.filter((kind) => !missing.includes(kind)).join(' ')
  if (missing.length === 0) return { ...about, status: 'ok', found: present }
  return { ...about, status: 'warning', found: present, advice: `this kernel was built without ${missing.join(', ')}` }
}

function handles(): Check {
  const about = { id: 'handles', name: 'handles' }
  try {
    using own = Namespace.current('net')
    own.handle()
    return { ...about, status: 'ok', found: 'references that hold nothing' }
  } catch (error) {
    if (hasCode(error, 'ERR_NSFD_FFI')) return { ...about, status: 'warning', found: 'not known without koffi' }
    return { ...about, status: 'warning', found: 'not here', advice: 'references that hold nothing need Linux 6.18' }
  }
}

function tool(name: string, program: string, advice: string): () => Check {
  return () => {
    try {
      const path = findTool(program)
      const version = spawnSync(path, ['-V'], { encoding: 'utf8' }).stdout.trim()
      return { id: name, name, status: 'ok', found: version || path }
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      return { id: name, name, status: name === 'iproute2' ? 'note' : 'warning', found: 'not installed', advice }
    }
  }
}

function holderOfRootless(): Check {
  const about = { id: 'holder', name: '--rootless holder', status: 'note' } as const
  if (isInsideRootless()) return { ...about, found: 'this is inside' }
  try {
    const holder = findHolder()
    if (holder === undefined) return { ...about, found: 'none runs; the first nsfd --rootless add starts one' }
    return { ...about, found: `pid ${holder.pid}, ${countPins(holder)} names`, advice: 'nsfd --rootless stop ends it' }
  } catch (error) {
    return { ...about, status: 'warning', found: 'cannot be looked for', advice: (error as Error).message }
  }
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ours = 0, oursMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return ours > major || (ours === major && oursMinor >= minor)
}

function readSysctl(file: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${file}`, 'latin1').trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return undefined
    throw error
  }
}
