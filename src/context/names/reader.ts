// Reads the parts of a DNS message (RFC 1035 4.1): never outside its bytes, never for longer than they justify.

/** The message breaks the format; whoever sent it, no part of it is believed. */
export class Malformed extends Error {
  override name = 'Malformed'
}

/** RFC 1035 2.3.4, with length bytes and the root. */
const MAX_NAME_BYTES = 255
/** A name has at most 127 labels, so no honest one has more pointers. */
const MAX_POINTERS = 127
/** What c-ares writes with a backslash. */
const RESERVED = new Set([...'".;\\()@$'].map((character) => character.charCodeAt(0)))

export class Reader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number
  /** A name that is known already, and where it begins: most records' names point there. */
  #knownAt = -1
  #knownName = ''

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  get left(): number {
    return this.#end - this.#at
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4))
  }

  /** A copy: an answer in the cache must not keep its whole packet. */
  bytes(length: number): Buffer {
    const start = this.#advance(length)
    return Buffer.from(this.#bytes.subarray(start, start + length))
  }

  /** A <character-string>: up to 255 bytes behind their length. */
  string(): string {
    return this.bytes(this.u8()).toString('latin1')
  }

  rest(): Buffer {
    return this.bytes(this.left)
  }

  /** A reader of the next bytes alone, whose names may still point back into the message. */
  part(length: number): Reader {
    const start = this.#advance(length)
    return new Reader(this.#bytes, start, start + length)
  }

  /**
   * Steps over what comes next if it is those bytes exactly, which begin with a name that needs no escapes and has its
   * place there, too.
   */
  takeName(bytes: Buffer, start: number, end: number, name: string): boolean {
    if (start !== this.#at || end > this.#end || this.#bytes.compare(bytes, start, end, start, end) !== 0) return false
    this.#knownAt = start
    this.#knownName = name
    this.#at = end
    return true
  }

  /** A domain name in presentation form without the final dot; '' for the root. */
  name(): string {
    const labels: string[] = []
    let at = this.#at
    let end = this.#end
    let size = 1
    let pointers = 0
    for (;;) {
      if (at >= end) throw new Malformed('a name runs out of its record')
      const length = this.#bytes.readUInt8(at)
      if (length >= 0xc0) {
        if (at + 2 > end) throw new Malformed('a pointer runs out of its record')
        const target = this.#bytes.readUInt16BE(at) & 0x3fff
        if (target === this.#knownAt && at === this.#at) {
          this.#at = at + 2
          return this.#knownName
        }
        if (target >= at || ++pointers > MAX_POINTERS) throw new Malformed('a name points forward, or in a circle')
        if (pointers === 1) this.#at = at + 2
        end = this.#bytes.length
        at = target
        continue
      }
      if (length > 63) throw new Malformed('a label of an unknown kind')
      if (at + 1 + length > end) throw new Malformed('a label runs out of its record')
      size += length + 1
      if (size > MAX_NAME_BYTES) throw new Malformed('a name is longer than 255 bytes')
      if (length === 0) break
      labels.push(labelText(this.#bytes.subarray(at + 1, at + 1 + length)))
      at += 1 + length
    }
    if (pointers === 0) this.#at = at + 1
    return labels.join('.')
  }

  #advance(length: number): number {
    if (length > this.left) throw new Malformed(`${length} bytes wanted, ${this.left} left`)
    const start = this.#at
    this.#at += length
    return start
  }
}

function labelText(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e) text += `\\${String(byte).padStart(3, '0')}`
    else if (RESERVED.has(byte)) text += `\\${String.fromCharCode(byte)}`
    else text += String.fromCharCode(byte)
  }
  return text
}
