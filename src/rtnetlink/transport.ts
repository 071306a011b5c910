// Requests through one socket: what is asked at the same time goes in one send, and every answer finds its request.
import { abortError, errnoOf, NsfdError } from '../kernel/errors.js'
import { Namespace } from '../namespace/namespace.js'
import {
  type Acknowledgement,
  forEachMessage,
  type Message,
  NLM_F,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
  readAcknowledgement,
} from './codec/message.js'
import { refused } from './errors.js'
import { isDump, type Request } from './request.js'
import { NetlinkSocket } from './socket/netlink-socket.js'

/** How often a dump that was interrupted by changes is asked for again. */
const DUMP_TRIES = 16
/** What the kernel charges the receive buffer for one acknowledgement: an skb with its sentence. */
const ACK_CHARGE = 2048

/** Makes a value of a message that answers a request; undefined for a message that is none of its business. */
export type Read<T> = (message: Message, bytes: Buffer) => T | undefined

type Waiting = {
  request: Request
  read: Read<unknown> | undefined
  values: unknown[]
  /** The first message that made no sense. The rest of the answer is received all the same. */
  nonsense?: unknown
  /** Nobody waits for it any more: what is still to come is received, and not looked at. */
  aborted?: boolean
  resolve: (values: never[]) => void
  reject: (error: unknown) => void
}

export class Transport {
  #socket: NetlinkSocket
  readonly #queue: Waiting[] = []
  #pumping = false
  #seq = 0

  constructor(ns?: Namespace) {
    this.#socket = NetlinkSocket.open(ns)
  }

  get fd(): number {
    return this.#socket.fd
  }

  /** The index of a link, if it can be known without asking rtnetlink. */
  indexOf(name: string): number | undefined {
    return this.closed ? undefined : this.#socket.indexOf(name)
  }

  get closed(): boolean {
    return this.#socket.closed
  }

  /**
   * Runs a request; settles when the kernel has acknowledged or refused it, or sent all of a dump.
   * @param signal gives up waiting: a request that was not sent yet never is, one that was runs its course
   * @returns what `read` made of the messages that answered it
   */
  run<T>(request: Request, read?: Read<T>, signal?: AbortSignal): Promise<T[]> {
    if (this.closed) return Promise.reject(closedError())
    if (signal?.aborted) return Promise.reject(abortError(signal))
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { request, read, values: [], resolve, reject }
      if (signal !== undefined) this.#abortable(waiting, signal)
      this.#queue.push(waiting)
      if (this.#pumping) return
      this.#pumping = true
      queueMicrotask(() => this.#pump()) // what is asked in the same turn goes in the same send
    })
  }

  #abortable(waiting: Waiting, signal: AbortSignal): void {
    const { resolve, reject } = waiting
    const abort = () => {
      const at = this.#queue.indexOf(waiting)
      if (at !== -1) this.#queue.splice(at, 1)
      waiting.aborted = true
      waiting.read = undefined
      waiting.values = []
      reject(abortError(signal))
    }
    signal.addEventListener('abort', abort, { once: true })
    waiting.resolve = (values) => {
      signal.removeEventListener('abort', abort)
      resolve(values)
    }
    waiting.reject = (error) => {
      signal.removeEventListener('abort', abort)
      reject(error)
    }
  }

  async close(): Promise<void> {
    const queued = this.#queue.splice(0)
    for (const { reject } of queued) reject(closedError())
    await this.#socket.close()
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) {
      const taken = this.#take()
      try {
        await (isDump((taken[0] as Waiting).request) ? this.#dump(taken[0] as Waiting) : this.#exchange(taken))
      } catch (error) {
        for (const { reject } of taken) reject(error)
      }
    }
    this.#pumping = false
  }

  /** A dump alone, or as many requests as one send and the buffer for their answers can carry. */
  #take(): Waiting[] {
    const first = this.#queue.shift() as Waiting
    const taken = [first]
    if (isDump(first.request)) return taken
    let bytes = first.request.bytes.length
    let charge = ACK_CHARGE + first.request.answers
    for (let next = this.#queue[0]; next !== undefined && !isDump(next.request); next = this.#queue[0]) {
      bytes += next.request.bytes.length
      charge += ACK_CHARGE + next.request.answers
      if (bytes > this.#socket.sendMax || charge > this.#socket.receiveBuffer / 2) break
      taken.push(this.#queue.shift() as Waiting)
    }
    return taken
  }

  async #exchange(taken: Waiting[]): Promise<void> {
    const unanswered = new Map<number, Waiting>()
    for (const waiting of taken) unanswered.set(this.#number(waiting.request), waiting)
    await this.#socket.send(pack(taken))
    this.#collect(unanswered)
    for (const { request, reject } of unanswered.values()) reject(lostAnswer(request))
  }

  /** Everything is answered when the send returns, so what is not in the queue now will never be. */
  #collect(unanswered: Map<number, Waiting>): void {
    const look = (answer: Buffer) =>
      forEachMessage(answer, 0, answer.length, (message) => {
        const waiting = unanswered.get(message.seq)
        if (waiting === undefined) return // of a request that was given up
        if (message.type !== NLMSG_ERROR) return keep(waiting, message, answer, 'a copy')
        unanswered.delete(message.seq)
        settle(waiting, readAcknowledgement(answer, message))
      })
    if (unanswered.size > FEW) this.#socket.receiveAll(look)
    else this.#collectOne(unanswered, look)
  }

  #collectOne(unanswered: Map<number, Waiting>, look: (answer: Buffer) => void): void {
    while (unanswered.size > 0) {
      const answer = this.#socket.receive()
      if (answer === undefined) return
      look(answer)
    }
  }

  async #dump(waiting: Waiting): Promise<void> {
    for (let left = DUMP_TRIES; left > 0; left--) {
      waiting.values.length = 0
      const { interrupted, end } = await this.#dumpOnce(waiting)
      if (!interrupted || waiting.aborted) return settle(waiting, end)
    }
    throw new NsfdError(
      `EAGAIN: cannot ${waiting.request.asked}: it changed during each of ${DUMP_TRIES} tries; try again`,
      { code: 'EAGAIN', errno: -errnoOf('EAGAIN'), syscall: 'netlink' },
    )
  }

  async #dumpOnce(waiting: Waiting): Promise<{ interrupted: boolean; end: Acknowledgement }> {
    const seq = this.#number(waiting.request)
    let interrupted = false
    let end: Acknowledgement | undefined
    const look = (message: Message, bytes: Buffer) => {
      if (message.seq !== seq || end !== undefined) return
      if (message.flags & NLM_F.DUMP_INTR) interrupted = true
      if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) end = readAcknowledgement(bytes, message)
      else keep(waiting, message, bytes)
    }
    try {
      await this.#socket.send(waiting.request.bytes)
      await this.#socket.receiveDump((bytes) => {
        forEachMessage(bytes, 0, bytes.length, (message) => look(message, bytes))
        return end === undefined ? 'more' : 'done'
      })
    } catch (error) {
      this.#replaceSocket()
      throw error
    }
    return { interrupted, end: end as unknown as Acknowledgement }
  }

  #number(request: Request): number {
    this.#seq = (this.#seq + 1) >>> 0 || 1
    request.bytes.writeUInt32LE(this.#seq, SEQ_AT)
    return this.#seq
  }

  /** Half a dump may still be to come through this socket, and until it has, no other dump can begin. */
  #replaceSocket(): void {
    if (this.#socket.closed) return
    using ns = Namespace.ofSocket(this.#socket.fd)
    const old = this.#socket
    this.#socket = NetlinkSocket.open(ns)
    void old.close()
  }
}

const SEQ_AT = 8
/** Requests whose answers are received one by one; more, by recvmmsg(2). */
const FEW = 4

/** Reads a message for its request; of a copy, where the buffer is needed for the next. */
function keep(waiting: Waiting, message: Message, bytes: Buffer, what: 'a copy' | 'itself' = 'itself'): void {
  if (waiting.read === undefined || message.type < NLMSG_MIN_TYPE) return
  try {
    const { start, end } = message
    const value =
      what === 'itself'
        ? waiting.read(message, bytes)
        : waiting.read({ ...message, start: 0, end: end - start }, Buffer.from(bytes.subarray(start, end)))
    if (value !== undefined) waiting.values.push(value)
  } catch (error) {
    waiting.nonsense ??= error
  }
}

function settle({ request, values, nonsense, resolve, reject }: Waiting, said: Acknowledgement): void {
  if (said.errno !== 0) reject(refused(request, said))
  else if (nonsense !== undefined) reject(nonsense)
  else resolve(values as never[])
}

/** Messages back to back, each at a multiple of four bytes, as they already are. */
function pack(taken: Waiting[]): Buffer {
  return taken.length === 1
    ? (taken[0] as Waiting).request.bytes
    : Buffer.concat(taken.map(({ request }) => request.bytes))
}

function lostAnswer(request: Request): NsfdError {
  return new NsfdError(
    `ENOBUFS: the kernel's answer was lost, so nobody knows whether it could ${request.asked}: look, and try again`,
    { code: 'ENOBUFS', errno: -errnoOf('ENOBUFS'), syscall: 'netlink' },
  )
}

export function closedError(): NsfdError {
  return new NsfdError('This Route is closed', {
    code: 'ERR_NSFD_CLOSED',
    syscall: 'netlink',
  })
}
