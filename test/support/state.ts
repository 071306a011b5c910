// What this process holds and where its threads are, as the kernel tells it.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { hasCode } from '#dist/kernel/errors.js'
import { KIND_NAMES, type Kind } from '#dist/namespace/kinds.js'
import { OWN } from './names.js'

/** The namespaces this process was born in. */
const HOME = Object.fromEntries(KIND_NAMES.map((kind) => [kind, readlinkSync(`/proc/self/ns/${kind}`)]))

export type Held = { descriptors: string[]; threads: number; mounts: string[] }

/** Descriptors (without those of reading /proc itself), threads, and the mounts of its own pins. */
export function held(): Held {
  return { descriptors: descriptors(), threads: readdirSync('/proc/self/task').length, mounts: ownMounts() }
}

/** Every open descriptor as "number -> what it is". */
export function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    const target = link(`/proc/self/fd/${fd}`)
    return target === undefined ? [] : [`${fd} -> ${target}`]
  })
}

const NAMESPACE = new RegExp(`-> (${KIND_NAMES.join('|')}):\\[\\d+\\]$`)

/** Descriptors that stand for namespaces. */
export function namespaceDescriptors(): string[] {
  return descriptors().filter((line) => NAMESPACE.test(line))
}

/** Threads that are not in the namespaces the process was born in: "tid kind: where". */
export function threadsAbroad(): string[] {
  return readdirSync('/proc/self/task').flatMap((tid) =>
    KIND_NAMES.flatMap((kind) => {
      const at = link(`/proc/self/task/${tid}/ns/${kind}`)
      return at === undefined || at === HOME[kind] ? [] : [`${tid} ${kind}: ${at}`]
    }),
  )
}

/** Descriptors of namespaces that this process was not born in. */
export function strangeDescriptors(): string[] {
  const homes = Object.values(HOME)
  return namespaceDescriptors().filter((line) => !homes.some((home) => line.endsWith(`-> ${home}`)))
}

/** Where the calling thread is, asked of the kernel. */
export function placeOf(kind: Kind): string {
  return readlinkSync(`/proc/thread-self/ns/${kind}`)
}

/** The flags of an open descriptor, from /proc/self/fdinfo. */
export function flagsOf(fd: number): number {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
  if (flags === undefined) throw new Error(`descriptor ${fd} has no flags`)
  return Number.parseInt(flags, 8)
}

function ownMounts(): string[] {
  return nsfsMounts().filter((line) => line.includes(`${OWN}.`))
}

export function nsfsMounts(): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return mounts.filter((line) => line.includes(' - nsfs ')).map((line) => line.split(' ').slice(3, 5).join(' on '))
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    // Closed, or ended, while we looked: EACCES is what readlink of /proc/…/ns/… says once the thread is gone.
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined
    throw error
  }
}
