// Messages: the header every one begins with, and the acknowledgement with its extensions. <linux/netlink.h>, netlink(7).
import { str, u32 } from './scalars.js'
import { table } from './table.js'
import { malformed } from './type.js'

export const NLMSG_HDRLEN = 16
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
/** Types below belong to netlink itself: NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN. */
export const NLMSG_MIN_TYPE = 0x10

/** nlmsg_flags. */
export const NLM_F = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  ECHO: 0x8,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  BULK: 0x200,
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const

/** One message in a buffer: its header, and where its payload begins and ends. */
export type Message = {
  readonly type: number
  readonly flags: number
  readonly seq: number
  readonly pid: number
  readonly start: number
  readonly end: number
}

/** Calls `each` for every message from start to end. @throws ERR_NSFD_MALFORMED where lengths lie */
export function forEachMessage(bytes: Buffer, start: number, end: number, each: (message: Message) => void): void {
  for (let at = start; at < end; ) {
    if (end - at < NLMSG_HDRLEN) throw malformed(`${end - at} bytes are left where a header takes ${NLMSG_HDRLEN}`)
    const length = bytes.readUInt32LE(at)
    if (length < NLMSG_HDRLEN || length > end - at) {
      throw malformed(`the message at byte ${at - start} says it has ${length} bytes, and there are ${end - at}`)
    }
    each({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      seq: bytes.readUInt32LE(at + 8),
      pid: bytes.readUInt32LE(at + 12),
      start: at + NLMSG_HDRLEN,
      end: at + length,
    })
    at += (length + 3) & ~3
  }
}

/** Fills in the header of the message that begins at `at` and ends where the buffer does. */
export function writeHeader(bytes: Buffer, type: number, flags: number, seq: number): void {
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt16LE(type, 4)
  bytes.writeUInt16LE(flags, 6)
  bytes.writeUInt32LE(seq, 8)
  bytes.writeUInt32LE(0, 12)
}

/** enum nlmsgerr_attrs */
export const NLMSGERR = table('nlmsgerr', {
  NLMSGERR_ATTR_MSG: [1, str],
  NLMSGERR_ATTR_OFFS: [2, u32],
  NLMSGERR_ATTR_MISS_TYPE: [5, u32],
  NLMSGERR_ATTR_MISS_NEST: [6, u32],
})

/** What an NLMSG_ERROR or NLMSG_DONE says. errno is positive, 0 for an acknowledgement. */
export type Acknowledgement = {
  errno: number
  /** The kernel's own sentence. */
  message?: string | undefined
  /** The byte of the request, from its header on, where the attribute at fault begins. */
  offset?: number | undefined
  /** The number of an attribute that should have been there, and the byte of the nest it is missing from. */
  missing?: number | undefined
  missingIn?: number | undefined
}

export function readAcknowledgement(bytes: Buffer, message: Message): Acknowledgement {
  const { type, flags, start, end } = message
  if (end - start < 4) return { errno: 0 } // a DONE without a word
  const acknowledgement: Acknowledgement = { errno: -bytes.readInt32LE(start) }
  if (!(flags & NLM_F.ACK_TLVS)) return acknowledgement
  const said = NLMSGERR.decode(bytes, Math.min(end, tlvsAt(bytes, type, flags, start, end)), end)
  acknowledgement.message = said.NLMSGERR_ATTR_MSG
  acknowledgement.offset = said.NLMSGERR_ATTR_OFFS
  acknowledgement.missing = said.NLMSGERR_ATTR_MISS_TYPE
  acknowledgement.missingIn = said.NLMSGERR_ATTR_MISS_NEST
  return acknowledgement
}

// After the errno an error repeats the request: its header alone (NLM_F_CAPPED), or all of it. A DONE repeats nothing.
function tlvsAt(bytes: Buffer, type: number, flags: number, start: number, end: number): number {
  if (type === NLMSG_DONE) return start + 4
  if (end - start < 4 + NLMSG_HDRLEN) throw malformed('an acknowledgement is cut short')
  if (flags & NLM_F.CAPPED) return start + 4 + NLMSG_HDRLEN
  return start + 4 + ((Math.max(NLMSG_HDRLEN, bytes.readUInt32LE(start + 4)) + 3) & ~3)
}
