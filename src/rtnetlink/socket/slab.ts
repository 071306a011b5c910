// Slabs: the buffers one recvmmsg(2) fills with the chunks of a dump. Kept for the next dump, one for each place of the gate.
import { SOCKET } from '../../kernel/constants.js'
import { addressOf } from '../../kernel/libc.js'

/** The kernel makes a dump in chunks of up to 32 KiB (netlink_dump() in af_netlink.c). */
const CHUNK = 32 * 1024
const CHUNKS = 32
/** struct mmsghdr { struct msghdr { name, namelen, iov, iovlen, control, controllen, flags }, msg_len } and struct iovec. */
const MMSGHDR = { size: 64, iov: 16, iovlen: 24, flags: 48, length: 56 } as const
const IOVEC = { size: 16, base: 0, length: 8 } as const

export class Slab {
  readonly count = CHUNKS
  readonly headers = Buffer.alloc(CHUNKS * MMSGHDR.size)
  readonly #vectors = Buffer.alloc(CHUNKS * IOVEC.size)
  readonly #bytes = Buffer.allocUnsafeSlow(CHUNKS * CHUNK)

  constructor() {
    const bytes = addressOf(this.#bytes)
    const vectors = addressOf(this.#vectors)
    for (let i = 0; i < CHUNKS; i++) {
      this.#vectors.writeBigUInt64LE(bytes + BigInt(i * CHUNK), i * IOVEC.size + IOVEC.base)
      this.#vectors.writeBigUInt64LE(BigInt(CHUNK), i * IOVEC.size + IOVEC.length)
      this.headers.writeBigUInt64LE(vectors + BigInt(i * IOVEC.size), i * MMSGHDR.size + MMSGHDR.iov)
      this.headers.writeBigUInt64LE(1n, i * MMSGHDR.size + MMSGHDR.iovlen)
    }
  }

  /** Chunk i as it is, after a receive: valid until the slab is filled again. */
  view(i: number): Buffer {
    const length = this.headers.readUInt32LE(i * MMSGHDR.size + MMSGHDR.length)
    return this.#bytes.subarray(i * CHUNK, i * CHUNK + Math.min(length, CHUNK))
  }

  /** A copy of chunk i, after a receive: what is read of it may be kept, and read again later. */
  chunk(i: number): { bytes: Buffer; truncated: boolean } {
    const header = i * MMSGHDR.size
    const length = this.headers.readUInt32LE(header + MMSGHDR.length)
    const truncated = (this.headers.readUInt32LE(header + MMSGHDR.flags) & SOCKET.MSG_TRUNC) !== 0
    const bytes = Buffer.from(this.#bytes.subarray(i * CHUNK, i * CHUNK + Math.min(length, CHUNK)))
    return { bytes, truncated }
  }
}

const spare: Slab[] = []

/** The same, for work that does not wait. */
export function withSlabNow<T>(work: (slab: Slab) => T): T {
  const slab = spare.pop() ?? new Slab()
  try {
    return work(slab)
  } finally {
    spare.push(slab)
  }
}

/** Lends a slab for as long as work takes. */
export async function withSlab<T>(work: (slab: Slab) => Promise<T>): Promise<T> {
  const slab = spare.pop() ?? new Slab()
  try {
    return await work(slab)
  } finally {
    spare.push(slab)
  }
}
