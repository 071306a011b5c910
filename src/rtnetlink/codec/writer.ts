// Writer: bytes of a message in the making, in a buffer that grows. Netlink is in host byte order: little-endian on x64 and arm64.
const NLA_HDRLEN = 4
const NLA_F_NESTED = 0x8000
/** nla_len is a __u16. */
const NLA_MAX = 0xffff

export class Writer {
  length = 0
  bytes: Buffer

  constructor(size = 512) {
    this.bytes = Buffer.alloc(size)
  }

  /** Room for `count` zeroed bytes; returns where it begins. */
  reserve(count: number): number {
    const at = this.length
    if (at + count > this.bytes.length) this.#grow(at + count)
    this.length = at + count
    return at
  }

  u8(value: number): void {
    const at = this.reserve(1)
    this.bytes[at] = value
  }

  u16(value: number): void {
    const at = this.reserve(2)
    this.bytes.writeUInt16LE(value, at)
  }

  u32(value: number): void {
    const at = this.reserve(4)
    this.bytes.writeUInt32LE(value, at)
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.bytes.set(bytes, at)
  }

  /** One attribute: its header, what `payload` writes, and the padding to four bytes. */
  attribute(type: number, payload: () => void, nested = false): void {
    const start = this.reserve(NLA_HDRLEN)
    payload()
    const length = this.length - start
    if (length > NLA_MAX) throw new RangeError(`an attribute of ${length} bytes does not fit its 16-bit length`)
    this.bytes.writeUInt16LE(length, start)
    this.bytes.writeUInt16LE(nested ? type | NLA_F_NESTED : type, start + 2)
    this.align()
  }

  align(): void {
    this.reserve(-this.length & 3)
  }

  /** What has been written, as a view: valid until the next write. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  /** What has been written, as a copy of its own. */
  copy(): Buffer {
    return Buffer.from(this.view())
  }

  #grow(needed: number): void {
    const larger = Buffer.alloc(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}
