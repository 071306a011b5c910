// target.fs: the files of a container, used from outside. See root.ts for why that is safe.
import { constants, type Dirent, fstatSync, type Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { invalidArgument, NsfdError } from '../kernel/errors.js'
import { close } from '../kernel/syscalls.js'
import { type CopyOptions, type CopyResult, copyFromTarget, copyToTarget } from './copy.js'
import { fchmod, fchown, read, write } from './descriptor-files.js'
import { toOutside } from './facts.js'
import { openDirectory, openFile, openFileToWrite, openPlace } from './root.js'
import type { Target } from './target.js'

export type ReadOptions = {
  /** Bytes at which reading fails, with ERR_NSFD_TOO_LARGE. Default: 256 MiB. */
  maxBytes?: number
}
export type WriteOptions = {
  /** Permissions of a new file. Default: 0o644. */
  mode?: number
  /** Owner of a new file, as the container counts. Default: 0. */
  uid?: number
  gid?: number
}

const MAX_READ = 256 * 1024 * 1024
const CHUNK = 1024 * 1024

/** A container's files. Paths are the container's own: absolute, or relative to its root. */
export class Files {
  readonly #target: Target

  /** @internal */
  constructor(target: Target) {
    this.#target = target
  }

  /**
   * The content of a regular file.
   * @throws ENOENT, ELOOP; ERR_NSFD_NOT_A_FILE for a FIFO, device or directory; ERR_NSFD_TOO_LARGE
   */
  readFile(path: string, options: ReadOptions & { encoding: BufferEncoding }): Promise<string>
  readFile(path: string, options: BufferEncoding): Promise<string>
  readFile(path: string, options?: ReadOptions): Promise<Buffer>
  async readFile(path: string, options: BufferEncoding | (ReadOptions & { encoding?: BufferEncoding }) = {}) {
    const { encoding, maxBytes = MAX_READ } = typeof options === 'string' ? { encoding: options } : options
    const { fd, stats } = openFile(this.#root(), path, constants.O_RDONLY)
    try {
      if (stats.size > maxBytes) throw tooLarge(path, maxBytes)
      const bytes = await readAll(fd, path, maxBytes)
      return encoding === undefined ? bytes : bytes.toString(encoding)
    } finally {
      close(fd)
    }
  }

  /** Writes a regular file, made if it is not there. @throws as readFile; EROFS, ENOENT where its directory is missing */
  async writeFile(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (!(bytes instanceof Uint8Array)) throw invalidArgument('data', 'must be a string or bytes', data)
    const { mode = 0o644, uid = 0, gid = 0 } = options
    const { fd, created } = openFileToWrite(this.#root(), path, mode)
    try {
      if (created) await this.give(fd, { mode, uid, gid })
      for (let done = 0; done < bytes.length; ) done += (await write(fd, bytes, done)).bytesWritten
    } finally {
      close(fd)
    }
  }

  /** The entries of a directory. */
  async readdir(path: string): Promise<Dirent[]> {
    const fd = openDirectory(this.#root(), path)
    try {
      return await readdir(`/proc/self/fd/${fd}`, { withFileTypes: true })
    } finally {
      close(fd)
    }
  }

  /** What a path leads to. Ids are as seen from here. */
  async stat(path: string): Promise<Stats> {
    return this.#stat(path, 0)
  }

  /** The same of a link itself. */
  async lstat(path: string): Promise<Stats> {
    return this.#stat(path, constants.O_NOFOLLOW)
  }

  /** Copies a file or directory of this machine into the container, under its name if `to` is a directory there. */
  copyIn(from: string, to: string, options: CopyOptions = {}): Promise<CopyResult> {
    return copyToTarget(this, this.#root(), from, to, options)
  }

  /**
   * Copies a file or directory of the container out to this machine. What is there belongs to us then, without setuid bits.
   * Left out, and named in the result: devices, FIFOs, sockets, and links that lead out of what is copied.
   */
  copyOut(from: string, to: string, options: CopyOptions = {}): Promise<CopyResult> {
    return copyFromTarget(this.#root(), from, to, options)
  }

  /** @internal Owner as the container counts, and mode. */
  async give(fd: number, { mode, uid, gid }: Required<WriteOptions>): Promise<void> {
    const { uidMap, gidMap } = this.#target
    const [owner, group] = [toOutside(uidMap, uid), toOutside(gidMap, gid)]
    if (owner === undefined) throw invalidArgument('uid', 'must be an id that exists in the container', uid)
    if (group === undefined) throw invalidArgument('gid', 'must be an id that exists in the container', gid)
    const { uid: nowUid, gid: nowGid } = fstatSync(fd)
    if (nowUid !== owner || nowGid !== group) await fchown(fd, owner, group)
    await fchmod(fd, mode)
  }

  #stat(path: string, flags: number): Stats {
    const fd = openPlace(this.#root(), path, flags)
    try {
      return fstatSync(fd)
    } finally {
      close(fd)
    }
  }

  #root(): number {
    this.#target.expectAlive()
    const { rootFd } = this.#target
    if (rootFd !== undefined) return rootFd
    throw new NsfdError(`${this.#target} is a namespace and has no files of its own: name a process or container`, {
      code: 'ERR_NSFD_NO_ROOT',
    })
  }
}

/** To its end, however long it says it is: files of /proc say 0, and others grow while they are read. */
async function readAll(fd: number, path: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let length = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK)
    const { bytesRead } = await read(fd, chunk, 0, CHUNK, null)
    if (bytesRead === 0) return Buffer.concat(chunks)
    length += bytesRead
    if (length > maxBytes) throw tooLarge(path, maxBytes)
    chunks.push(chunk.subarray(0, bytesRead))
  }
}

function tooLarge(path: string, maxBytes: number): NsfdError {
  return new NsfdError(`'${path}' over there is larger than ${maxBytes} bytes (maxBytes)`, {
    code: 'ERR_NSFD_TOO_LARGE',
    path,
  })
}
