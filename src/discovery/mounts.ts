// Discovery step: nsfs bind mounts anywhere (Docker's /run/docker/netns, CNI's, …), from mountinfo. proc_pid_mountinfo(5).
import { readFileSync, statSync } from 'node:fs'
import { hasCode } from '../kernel/errors.js'
import type { Kind } from '../namespace/kinds.js'
import type { Findings } from './namespaces.js'

/** mountID parentID major:minor root mountPoint … - type source options */
const NSFS_LINE = /^\d+ \d+ (\d+):(\d+) ([a-z]+):\[(\d+)\] (\S+) .* - nsfs /

/** Adds the nsfs mounts that no pin accounts for. @param mountinfo the text of a /proc/<pid>/mountinfo */
export function findMounts(findings: Findings, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): void {
  for (const line of mountinfo.split('\n')) {
    const [, major, minor, kind, ino, escaped] = NSFS_LINE.exec(line) ?? []
    if (kind === undefined || ino === undefined || escaped === undefined) continue
    if (!(findings.kinds as ReadonlySet<string>).has(kind)) continue
    const path = unescapePath(escaped)
    if (!isThere(path, ino)) continue
    const entry = findings.at(kind as Kind, { dev: deviceNumber(Number(major), Number(minor)), ino: BigInt(ino) })
    if (!entry.pins.some((pin) => pin.path === path)) entry.pins.push({ path })
  }
}

/** mountinfo also lists mounts that another mount covers: at that path is something else. */
function isThere(path: string, ino: string): boolean {
  try {
    return String(statSync(path, { bigint: true }).ino) === ino
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    if (hasCode(error, 'EACCES')) return true
    throw error
  }
}

/** <sys/sysmacros.h> makedev(3), as stat(2) reports it in st_dev. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n)
}

/** The kernel writes space, tab, newline and backslash as octal; the rest is UTF-8 as it was. */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
