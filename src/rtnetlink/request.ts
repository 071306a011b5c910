// A request: the bytes of one message, and what is needed to speak about it when the kernel refuses.
import { NLM_F, NLMSG_HDRLEN, writeHeader } from './codec/message.js'
import { Writer } from './codec/writer.js'
import { RTM, type Shape } from './tables/messages.js'

export type Request = {
  readonly type: number
  readonly flags: number
  /** The whole message; its sequence number is filled in when it is sent. */
  readonly bytes: Buffer
  readonly shape: Shape<unknown, unknown>
  /** What it does, after "cannot": "add the link 'red0'". */
  readonly asked: string
  /** What to try next, by errno name; over the general hints. */
  readonly next?: Partial<Record<string, string>> | undefined
  /** Bytes of answers to expect beyond the acknowledgement. */
  readonly answers: number
}

export type RequestParts<H, V> = {
  type: keyof typeof RTM
  flags?: number
  shape: Shape<H, V>
  header: Partial<H>
  attributes?: V
  asked: string
  next?: Partial<Record<string, string>> | undefined
  answers?: number
}

// Requests are encoded one after the other, and each is copied out.
const writer = new Writer(4096)

/** Encodes a request. @throws ERR_INVALID_ARG_VALUE for values that a type of its table cannot hold */
export function request<H, V>(parts: RequestParts<H, V>): Request {
  const { type, flags = 0, shape, header, attributes, asked, next, answers = 0 } = parts
  writer.bytes.fill(0, 0, writer.length)
  writer.length = 0
  writer.reserve(NLMSG_HDRLEN)
  shape.header.write(writer, header as H, {}, shape.header.name)
  writer.align()
  if (attributes !== undefined) shape.attributes.encode(writer, attributes)
  const bytes = writer.copy()
  const all = flags | NLM_F.REQUEST | (flags & NLM_F.DUMP && type.startsWith('GET') ? 0 : NLM_F.ACK)
  writeHeader(bytes, RTM[type], all, 0)
  return { type: RTM[type], flags: all, bytes, shape: shape as Shape<unknown, unknown>, asked, next, answers }
}

/** Whether it asks for a dump: many messages, a chunk at a time. */
export function isDump(request: Request): boolean {
  return (request.flags & NLM_F.DUMP) !== 0 && (request.flags & NLM_F.ACK) === 0
}
