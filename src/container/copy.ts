// Copies between this machine and a container's root, files and whole directories. Neither side can make the copy go
// elsewhere: over there every step goes by root.ts, and over here only new names in our own directory are written.
import { constants, fstatSync, type Stats } from 'node:fs'
import { lstat, mkdir, readdir, readlink, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join, normalize } from 'node:path'
import { hasCode, NsfdError } from '../kernel/errors.js'
import { close } from '../kernel/syscalls.js'
import { close as closeHere, open as openHere, read, write } from './descriptor-files.js'
import type { Files } from './files.js'
import { kindOfFile, openDirectory, openFileAt, openFileToWrite, openPlace } from './root.js'

export type CopyOptions = {
  /** Bytes in all, above which copying fails with ERR_NSFD_TOO_LARGE. Default: 4 GiB. */
  maxBytes?: number
  /** copyIn: owner of what is made, as the container counts. Default: 0. */
  uid?: number
  gid?: number
}
export type CopyResult = {
  files: number
  bytes: number
  /** What was left out, and why. */
  skipped: { path: string; reason: string }[]
}

const MAX_COPY = 4 * 1024 ** 3
const CHUNK = 1024 * 1024
const PERMISSIONS = 0o777

/** One copy in progress: what it may still take, and what it has done. */
class Tally {
  readonly result: CopyResult = { files: 0, bytes: 0, skipped: [] }
  readonly #limit: number

  constructor({ maxBytes = MAX_COPY }: CopyOptions) {
    this.#limit = maxBytes
  }

  /** Before anything is written: a file that claims to be too large is refused as a whole. */
  expect(size: number, path: string): void {
    if (this.result.bytes + size > this.#limit) throw tooLarge(path, this.#limit)
  }

  add(bytes: number, path: string): void {
    this.expect(bytes, path)
    this.result.bytes += bytes
  }

  skip(path: string, reason: string): void {
    this.result.skipped.push({ path, reason })
  }
}

// Out of the container

export async function copyFromTarget(
  rootFd: number,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<CopyResult> {
  const tally = new Tally(options)
  const name = basename(normalize(`/${from}`)) || 'root'
  const destination = (await isDirectory(to)) ? join(to, name) : to
  const place = openPlace(rootFd, from)
  try {
    if (fstatSync(place).isDirectory()) await directoryOut(place, destination, '', tally)
    else await fileOut(place, from, destination, tally, constants.O_TRUNC)
  } finally {
    close(place)
  }
  return tally.result
}

/** By descriptors on both sides: no name above can be exchanged for a link while the copy goes on. */
async function directoryOut(directory: number, to: string, path: string, tally: Tally): Promise<void> {
  // Into an existing directory only at the top, where a person named it.
  const top = path === ''
  await mkdir(to, { mode: 0o755 }).catch((error) => {
    if (!top || !hasCode(error, 'EEXIST')) throw error
  })
  const here = await openHere(to, constants.O_RDONLY | constants.O_DIRECTORY | (top ? 0 : constants.O_NOFOLLOW))
  try {
    for (const name of await readdir(`/proc/self/fd/${directory}`)) {
      const place = openPlace(directory, name, constants.O_NOFOLLOW)
      try {
        await entryOut({ directory, name, place, to: `/proc/self/fd/${here}/${name}`, path: join(path, name), tally })
      } finally {
        close(place)
      }
    }
  } finally {
    await closeHere(here)
  }
}

type Entry = { directory: number; name: string; place: number; to: string; path: string; tally: Tally }

async function entryOut({ directory, name, place, to, path, tally }: Entry): Promise<void> {
  const stats = fstatSync(place)
  if (stats.isDirectory()) return directoryOut(place, to, path, tally)
  if (stats.isFile()) return fileOut(place, path, to, tally, constants.O_EXCL)
  if (!stats.isSymbolicLink()) return tally.skip(path, `it is ${kindOfFile(stats)}`)
  const leadsTo = await readlink(`/proc/self/fd/${directory}/${name}`)
  if (!staysWithin(path, leadsTo)) return tally.skip(path, `it is a link out of what is copied, to '${leadsTo}'`)
  await symlink(leadsTo, to)
}

/** A relative link that ends in the copied tree, seen from the link's own directory. */
function staysWithin(path: string, leadsTo: string): boolean {
  if (leadsTo.startsWith('/')) return false
  const end = normalize(join(dirname(path), leadsTo))
  return end !== '..' && !end.startsWith('../')
}

/** @param fresh O_TRUNC where a person named the file over here, O_EXCL where the container did */
async function fileOut(place: number, path: string, to: string, tally: Tally, fresh: number): Promise<void> {
  const { fd, stats } = openFileAt(place, path, constants.O_RDONLY)
  try {
    tally.expect(stats.size, path)
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | fresh
    const target = await openHere(to, flags, stats.mode & PERMISSIONS)
    try {
      await pour(fd, target, stats, path, tally)
    } finally {
      await closeHere(target)
    }
  } finally {
    close(fd)
  }
}

// Into the container

export async function copyToTarget(
  files: Files,
  rootFd: number,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<CopyResult> {
  const tally = new Tally(options)
  const destination = (await isDirectoryThere(files, to)) ? join(to, basename(from)) : to
  const copy = { files, rootFd, owner: { uid: options.uid ?? 0, gid: options.gid ?? 0 }, tally }
  const stats = await stat(from)
  if (stats.isDirectory()) await directoryIn(copy, from, destination, stats, true)
  else if (stats.isFile()) await fileIn(copy, from, rootFd, destination, stats)
  else
    throw new NsfdError(`'${from}' is ${kindOfFile(stats)}, not a file or directory`, { code: 'ERR_NSFD_NOT_A_FILE' })
  return tally.result
}

type CopyIn = { files: Files; rootFd: number; owner: { uid: number; gid: number }; tally: Tally }

/** Goes on from the directory it made, by descriptor: names above it may change meanwhile. */
async function directoryIn(copy: CopyIn, from: string, to: string, stats: Stats, top: boolean): Promise<void> {
  const parent = openDirectory(copy.rootFd, dirname(to))
  const name = basename(to) || '.'
  try {
    await mkdir(`/proc/self/fd/${parent}/${name}`, stats.mode & PERMISSIONS).catch((error) => {
      if (!top || !hasCode(error, 'EEXIST')) throw error
    })
    const directory = openDirectory(parent, name)
    try {
      await entriesIn({ ...copy, rootFd: directory }, from, top)
    } finally {
      close(directory)
    }
  } finally {
    close(parent)
  }
}

/** What is copied may lie where the container can write, a volume: no link in it is followed, only copied as a link. */
async function entriesIn(copy: CopyIn, from: string, top: boolean): Promise<void> {
  const here = await openHere(from, constants.O_RDONLY | constants.O_DIRECTORY | (top ? 0 : constants.O_NOFOLLOW))
  try {
    for (const name of await readdir(`/proc/self/fd/${here}`)) {
      const path = `/proc/self/fd/${here}/${name}`
      const stats = await lstat(path)
      if (stats.isDirectory()) await directoryIn(copy, path, name, stats, false)
      else if (stats.isFile()) await fileIn(copy, path, copy.rootFd, name, stats, constants.O_NOFOLLOW)
      else if (stats.isSymbolicLink()) await symlink(await readlink(path), `/proc/self/fd/${copy.rootFd}/${name}`)
      else copy.tally.skip(name, `it is ${kindOfFile(stats)}`)
    }
  } finally {
    await closeHere(here)
  }
}

async function fileIn(
  copy: CopyIn,
  from: string,
  rootFd: number,
  to: string,
  stats: Stats,
  nofollow = 0,
): Promise<void> {
  copy.tally.expect(stats.size, from)
  const source = await openHere(from, constants.O_RDONLY | constants.O_NONBLOCK | nofollow)
  try {
    const mode = stats.mode & PERMISSIONS
    const { fd, created } = openFileToWrite(rootFd, to, mode)
    try {
      if (created) await copy.files.give(fd, { mode, ...copy.owner })
      await pour(source, fd, stats, from, copy.tally)
    } finally {
      close(fd)
    }
  } finally {
    await closeHere(source)
  }
}

// Both

/** A file that grows while it is read ends where it ended when it was opened; files of /proc do not know their size. */
async function pour(from: number, to: number, { size }: Stats, path: string, tally: Tally): Promise<void> {
  const chunk = Buffer.allocUnsafe(CHUNK)
  for (let left = size === 0 ? Number.POSITIVE_INFINITY : size; left > 0; ) {
    const { bytesRead } = await read(from, chunk, 0, Math.min(CHUNK, left), null)
    if (bytesRead === 0) break
    tally.add(bytesRead, path)
    left -= bytesRead
    for (let done = 0; done < bytesRead; ) done += (await write(to, chunk, done, bytesRead - done)).bytesWritten
  }
  tally.result.files++
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

async function isDirectoryThere(files: Files, path: string): Promise<boolean> {
  try {
    return (await files.stat(path)).isDirectory()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

function tooLarge(path: string, limit: number): NsfdError {
  return new NsfdError(`'${path}' is too large: more than ${limit} bytes would be copied (maxBytes)`, {
    code: 'ERR_NSFD_TOO_LARGE',
    path,
  })
}
