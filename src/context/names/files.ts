// Reads the small files of /etc that names come from: of a container without ever leaving it, of home as they are.
import { constants, fstatSync, readSync } from 'node:fs'
import { RESOLVE } from '../../kernel/constants.js'
import { hasCode, NsfdError } from '../../kernel/errors.js'
import { close, open, openBelow } from '../../kernel/syscalls.js'
import type { NameSource } from './source.js'

export type EtcFile = 'resolv.conf' | 'hosts' | 'services'

/** A file as it was read; stamp changes when the file does. */
export type FileText = { readonly stamp: string; readonly text: string }

const MiB = 1024 * 1024
/** A container's file may be anything its owner likes, home's hosts file may be somebody's block list. */
const CONTAINER_LIMIT = MiB
const HOME_LIMIT = 16 * MiB
// O_NONBLOCK: opening a FIFO returns at once, and fstat then sees what it is. O_NOCTTY: a terminal does not become ours.
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

export const ABSENT: FileText = { stamp: 'absent', text: '' }

/**
 * The text of a file of the source's /etc; the same object again while the file is unchanged.
 * @throws NsfdError with the kernel's code where the file exists and cannot be read, ERR_NSFD_NAMES where it is no regular
 * file or is too large: a namespace whose names cannot be read has none, and must not be given those of home.
 */
export function readEtc(source: NameSource, file: EtcFile, known: FileText | undefined): FileText {
  for (const place of placesOf(source, file)) {
    const found = readPlace(place, known)
    if (found !== undefined) return found
  }
  return ABSENT
}

type Place = { path: string; limit: number; open(): number }

function placesOf(source: NameSource, file: EtcFile): Place[] {
  const { rootFd, name } = source
  const home = homePlace(`/etc/${file}`)
  if (rootFd !== undefined) return [containerPlace(rootFd, `/etc/${file}`)]
  // As `ip netns exec` does it: what /etc/netns/<name> has covers home's, file by file.
  return name === undefined ? [home] : [homePlace(`/etc/netns/${name}/${file}`), home]
}

function homePlace(path: string): Place {
  return { path, limit: HOME_LIMIT, open: () => open(path, FLAGS, { asked: 'cannot read where names come from' }) }
}

// IN_ROOT: links and .. end at the container's root. NO_MAGICLINKS: /proc/<pid>/root and the like lead nowhere.
function containerPlace(rootFd: number, path: string): Place {
  const how = RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS
  const asked = "cannot read where the container's names come from"
  const next = {
    ELOOP: 'it is a loop of links, or a link of /proc that leads out of the container',
    ENOSYS: 'reading a file of a container safely needs openat2(2), Linux 5.6',
  }
  return { path, limit: CONTAINER_LIMIT, open: () => openBelow(rootFd, path, FLAGS, how, { asked, next }) }
}

function readPlace(place: Place, known: FileText | undefined): FileText | undefined {
  const fd = openIfThere(place)
  if (fd === undefined) return undefined
  try {
    const stat = fstatSync(fd, { bigint: true })
    if (!stat.isFile()) throw refused(place, 'it is not a regular file')
    if (stat.size > place.limit) throw refused(place, `it is larger than ${place.limit / MiB} MiB`)
    const stamp = [place.path, stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ')
    if (known?.stamp === stamp) return known
    return { stamp, text: readAll(fd, place) }
  } finally {
    close(fd)
  }
}

function openIfThere(place: Place): number | undefined {
  try {
    return place.open()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

// Not by the size that fstat saw: the file may grow meanwhile, and files of /proc and /sys claim to be empty.
function readAll(fd: number, place: Place): string {
  const chunks: Buffer[] = []
  let total = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(64 * 1024)
    const length = readSync(fd, chunk)
    if (length === 0) return Buffer.concat(chunks).toString('latin1')
    total += length
    if (total > place.limit) throw refused(place, `it is larger than ${place.limit / MiB} MiB`)
    chunks.push(chunk.subarray(0, length))
  }
}

function refused(place: Place, why: string): NsfdError {
  const message = `The namespace's names cannot be read from ${place.path}: ${why}`
  return new NsfdError(message, { code: 'ERR_NSFD_NAMES', syscall: 'read', path: place.path })
}
