// What /proc says of a process: who it is, what it may do, which limits and cgroups it lives in.
import { type Cgroup, parseCgroups } from './cgroups.js'
import type { HeldProcess } from './held-process.js'

/** A line of /proc/<pid>/uid_map: `count` ids from `inside` on are `outside` and on, as seen from here. */
export type IdMapping = { readonly inside: number; readonly outside: number; readonly count: number }

export type Identity = { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }

export type ProcessFacts = {
  /** As the kernel shows them to us. */
  outside: Identity
  /** As the process itself sees them. */
  inside: Identity
  uidMap: readonly IdMapping[]
  gidMap: readonly IdMapping[]
  /** CapBnd: what it and its children can ever be allowed, as bits of <linux/capability.h>. */
  capabilities: bigint
  noNewPrivileges: boolean
  /** Whether a seccomp filter is on it, which a command entered from outside does not get. */
  seccomp: boolean
  umask: number
  cgroups: readonly Cgroup[]
  limits: readonly Limit[]
}

/** A resource limit, by its number in <asm-generic/resource.h>. */
export type Limit = { readonly resource: number; readonly soft: bigint; readonly hard: bigint }

/** uid_t -1 stands for "no such id" everywhere; 65534 is what the kernel shows for ids without a mapping. */
const OVERFLOW_ID = 65534

export function factsOf(process: HeldProcess): ProcessFacts {
  const status = new Map(
    process
      .read('status')
      .split('\n')
      .map((line) => line.split(':\t', 2) as [string, string]),
  )
  const ids = (name: string) => (status.get(name) ?? '').trim().split(/\s+/).filter(Boolean).map(Number)
  const uidMap = parseIdMap(process.read('uid_map'))
  const gidMap = parseIdMap(process.read('gid_map'))
  const outside = { uid: ids('Uid')[1] ?? 0, gid: ids('Gid')[1] ?? 0, groups: ids('Groups') }
  return {
    outside,
    inside: {
      uid: toInside(uidMap, outside.uid) ?? OVERFLOW_ID,
      gid: toInside(gidMap, outside.gid) ?? OVERFLOW_ID,
      groups: outside.groups.map((gid) => toInside(gidMap, gid)).filter((gid) => gid !== undefined),
    },
    uidMap,
    gidMap,
    capabilities: BigInt(`0x${status.get('CapBnd')?.trim() ?? '0'}`),
    noNewPrivileges: status.get('NoNewPrivs')?.trim() === '1',
    seccomp: status.get('Seccomp')?.trim() === '2',
    umask: Number.parseInt(status.get('Umask')?.trim() ?? '0022', 8),
    cgroups: parseCgroups(process.read('cgroup')),
    limits: parseLimits(process.read('limits')),
  }
}

export function parseIdMap(text: string): IdMapping[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number)
      return { inside, outside, count }
    })
}

export function toInside(map: readonly IdMapping[], id: number): number | undefined {
  const range = map.find(({ outside, count }) => id >= outside && id < outside + count)
  return range && id - range.outside + range.inside
}

export function toOutside(map: readonly IdMapping[], id: number): number | undefined {
  const range = map.find(({ inside, count }) => id >= inside && id < inside + count)
  return range && id - range.inside + range.outside
}

/** The lines of /proc/<pid>/limits, by the number that prlimit(2) wants. */
const RESOURCES: Record<string, number> = {
  'Max cpu time': 0,
  'Max file size': 1,
  'Max data size': 2,
  'Max stack size': 3,
  'Max core file size': 4,
  'Max resident set': 5,
  'Max processes': 6,
  'Max open files': 7,
  'Max locked memory': 8,
  'Max address space': 9,
  'Max file locks': 10,
  'Max pending signals': 11,
  'Max msgqueue size': 12,
  'Max nice priority': 13,
  'Max realtime priority': 14,
  'Max realtime timeout': 15,
}
const RLIM_INFINITY = (1n << 64n) - 1n

function parseLimits(text: string): Limit[] {
  const value = (word: string) => (word === 'unlimited' ? RLIM_INFINITY : BigInt(word))
  return text.split('\n').flatMap((line) => {
    const [, name = '', soft, hard] = /^(.{26})(\S+)\s+(\S+)/.exec(line) ?? []
    const resource = RESOURCES[name.trim()]
    if (resource === undefined || soft === undefined || hard === undefined) return []
    return [{ resource, soft: value(soft), hard: value(hard) }]
  })
}
