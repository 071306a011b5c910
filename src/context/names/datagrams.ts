// Queries as datagrams. Those to one server at one time share a socket, as c-ares has it; a socket is given up for one with
// another port after some queries or some time, and closed as soon as none of its queries waits.
//
// The socket is Node's own handle without dgram around it: half of a query's time went there. It is made in its first
// query's context, which puts it into the namespace; who may share it is the caller's affair.
import { isIPv6 } from 'node:net'
import { systemError } from '../../kernel/errors.js'
import { type DatagramHandle, datagramBindings } from '../bindings.js'
import { freshId, type Query, type Reply, readReply } from './message.js'
import { Malformed } from './reader.js'
import type { DnsServer } from './source.js'

/** Whoever forges an answer must guess a port of 28,000 and an id of 65,536; a port is there to be guessed this long. */
const MAX_QUERIES = 64
const MAX_AGE_MS = 1_000
/** Datagrams that answer nothing before the server is given up: somebody is guessing. */
const MAX_STRAYS = 100

/** What became of a query. */
export type Said =
  | Reply
  | { readonly unanswered: 'ETIMEOUT' | 'ECONNREFUSED' | 'EBADRESP' | 'ECANCELLED'; readonly cause?: unknown }

type Waiting = { readonly query: Query; readonly deadline: number; readonly settle: (said: Said) => void }

/** The sockets of those who may share them, by server. */
export class Datagrams {
  /** An object, not a Map: see cancellation.ts. */
  readonly #sockets: Record<string, DatagramSocket> = Object.create(null)

  /**
   * Sends a query, and calls settle once: with the reply, or after timeoutMs.
   * @param encode makes the query, with an id
   * @param local the address to send from
   * @returns ends it without calling settle
   */
  ask(
    server: DnsServer,
    local: string | undefined,
    encode: (id: number) => Query,
    timeoutMs: number,
    settle: (said: Said) => void,
  ): () => void {
    const key = `${server.address} ${server.port} ${local}`
    const socket = this.#sockets[key]
    if (socket !== undefined && !socket.spent) return socket.ask(encode, timeoutMs, settle)
    const another = new DatagramSocket(server, local, () => {
      if (this.#sockets[key] === another) delete this.#sockets[key]
    })
    this.#sockets[key] = another
    return another.ask(encode, timeoutMs, settle)
  }
}

class DatagramSocket {
  readonly #waiting = new Map<number, Waiting>()
  readonly #server: DnsServer
  readonly #onClose: () => void
  readonly #born = performance.now()
  #handle: DatagramHandle | undefined
  #refusal: Said | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #queries = 0
  #strays = 0
  #worn = false

  constructor(server: DnsServer, local: string | undefined, onClose: () => void) {
    this.#server = server
    this.#onClose = onClose
    const { UDP } = datagramBindings()
    this.#handle = new UDP()
    this.#handle.onmessage = (nread, _, bytes) => this.#received(nread, bytes)
    const failed = this.#connect(this.#handle, local)
    if (failed !== 0) this.#refusal = this.#unreachable(failed, 'connect')
  }

  /** Whether the next query needs another socket. */
  get spent(): boolean {
    return this.#worn || this.#queries >= MAX_QUERIES || performance.now() - this.#born > MAX_AGE_MS
  }

  ask(encode: (id: number) => Query, timeoutMs: number, settle: (said: Said) => void): () => void {
    const query = encode(freshId(this.#waiting))
    this.#queries++
    const deadline = performance.now() + timeoutMs
    const waiting = { query, deadline, settle }
    this.#waiting.set(query.id, waiting)
    const refusal = this.#refusal ?? this.#send(query.bytes)
    // That nobody listens is told once, to whichever call comes next: it is about all queries of the socket.
    if (refusal !== undefined) this.#settleAll(refusal)
    else if (deadline < this.#timerAt) this.#setTimer(deadline)
    return () => this.#remove(waiting)
  }

  /** Connected: the kernel lets nobody else's datagrams in, and tells when no one listens there. */
  #connect(handle: DatagramHandle, local: string | undefined): number {
    const { address, port } = this.#server
    const six = isIPv6(address)
    if (local !== undefined) {
      const failed = six ? handle.bind6(local, 0, 0) : handle.bind(local, 0, 0)
      if (failed !== 0) return failed
    }
    return (six ? handle.connect6(address, port) : handle.connect(address, port)) || handle.recvStart()
  }

  #send(bytes: Buffer): Said | undefined {
    const { SendWrap } = datagramBindings()
    const request = new SendWrap()
    request.list = [bytes] // kept alive until it is sent
    const sent = this.#handle?.send(request, request.list, 1, false) ?? 0
    return sent < 0 ? this.#unreachable(sent, 'send') : undefined
  }

  #received(nread: number, bytes: Buffer | undefined): void {
    const waiting = bytes !== undefined && bytes.length > 1 ? this.#waiting.get(bytes.readUInt16BE(0)) : undefined
    const said = waiting && saidBy(bytes as Buffer, waiting.query)
    if (nread < 0) this.#settleAll(this.#unreachable(nread, 'recvmsg'))
    else if (waiting !== undefined && said !== undefined) this.#settle(waiting, said)
    else if (++this.#strays > MAX_STRAYS) this.#settleAll({ unanswered: 'EBADRESP' })
  }

  #settle(waiting: Waiting, said: Said): void {
    if (this.#remove(waiting)) waiting.settle(said)
  }

  #settleAll(said: Said): void {
    this.#worn = true
    for (const waiting of [...this.#waiting.values()]) this.#settle(waiting, said)
  }

  #remove(waiting: Waiting): boolean {
    if (this.#waiting.get(waiting.query.id) !== waiting) return false
    this.#waiting.delete(waiting.query.id)
    if (this.#waiting.size === 0) this.#close()
    return true
  }

  #close(): void {
    this.#worn = true
    clearTimeout(this.#timer)
    if (this.#handle !== undefined) {
      this.#handle.close()
      this.#handle.onmessage = nothing // a handle outlives its use by a collection or two, and would keep all of this
      this.#handle = undefined
    }
    this.#onClose()
  }

  /** One timer for all of them, at the earliest deadline there was when it was set. */
  #setTimer(at: number): void {
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, Math.ceil(at - performance.now())))
  }

  /** A server that is silent once is asked from another port the next time. */
  #expire(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.deadline > now) continue
      this.#worn = true
      this.#settle(waiting, { unanswered: 'ETIMEOUT' })
    }
    const next = Math.min(...[...this.#waiting.values()].map(({ deadline }) => deadline))
    if (Number.isFinite(next)) this.#setTimer(next)
  }

  // No way to the server, or nobody there: c-ares calls all of it a refused connection.
  #unreachable(uvError: number, syscall: string): Said {
    const { address, port } = this.#server
    const cause = systemError(-uvError, { syscall, asked: `cannot ask the name server ${address}, port ${port}` })
    return { unanswered: 'ECONNREFUSED', cause }
  }
}

function nothing(): void {}

/** Undefined where the bytes answer something else. */
function saidBy(bytes: Buffer, query: Query): Said | undefined {
  try {
    return readReply(bytes, query)
  } catch (cause) {
    if (cause instanceof Malformed) return { unanswered: 'EBADRESP', cause }
    throw cause
  }
}
