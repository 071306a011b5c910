// One query to one server: a datagram from a socket of its own, a stream where the answer does not fit.
// Every socket and timer is made here, for this query, in its caller's context: that is what puts them in the namespace.
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { hasCode } from '../../kernel/errors.js'
import type { QueryCode } from './errors.js'
import { type Query, type Reply, readReply } from './message.js'
import { Malformed } from './reader.js'
import type { DnsServer, QueryOptions } from './source.js'

/** What became of the exchange: a reply, or why there is none. */
export type Outcome = Reply | { readonly unanswered: QueryCode; readonly cause?: unknown }

type Settle = (outcome: Outcome) => void
/** Begins an exchange; what it returns ends it, whatever happened. */
type Begin = (settle: Settle) => () => void

/** Datagrams with another id or question than ours before the server is given up: somebody is guessing. */
const MAX_STRAYS = 100

/** Asks one server once; settles within timeoutMs, twice that where a datagram was cut short and a stream follows. */
export async function exchange(
  server: DnsServer,
  query: Query,
  timeoutMs: number,
  tcp: boolean,
  options: QueryOptions,
): Promise<Outcome> {
  const stream = () => within(timeoutMs, options.signal, (settle) => askByStream(server, query, options, settle))
  if (tcp) return stream()
  const outcome = await within(timeoutMs, options.signal, (settle) => askByDatagram(server, query, options, settle))
  return 'truncated' in outcome && outcome.truncated ? stream() : outcome
}

function within(timeoutMs: number, signal: AbortSignal | undefined, begin: Begin): Promise<Outcome> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve({ unanswered: 'ECANCELLED' })
    let end: (() => void) | undefined
    let settled = false
    const settle = (outcome: Outcome) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
      end?.()
      resolve(outcome)
    }
    const cancel = () => settle({ unanswered: 'ECANCELLED' })
    const timer = setTimeout(() => settle({ unanswered: 'ETIMEOUT' }), timeoutMs)
    signal?.addEventListener('abort', cancel)
    try {
      end = begin(settle)
    } catch (error) {
      settle(unreachable(error))
    }
    if (settled) end?.()
  })
}

function askByDatagram(server: DnsServer, query: Query, options: QueryOptions, settle: Settle): () => void {
  const fail = (error: unknown) => settle(unreachable(error))
  let open = true
  let strays = 0
  // Addresses only: dgram would otherwise look them up, here of all places.
  const lookup = (address: string, _: unknown, callback: (e: Error | null, address: string, family: number) => void) =>
    callback(null, address, isIPv6(address) ? 6 : 4)
  const socket = createSocket({ type: isIPv6(server.address) ? 'udp6' : 'udp4', lookup: lookup as never })
  socket.on('error', fail)
  socket.on('message', (bytes) => {
    if (!open) return
    const outcome = replyOf(bytes, query)
    if (outcome !== undefined) settle(outcome)
    else if (++strays > MAX_STRAYS) settle({ unanswered: 'EBADRESP' })
  })
  // Connected: the kernel lets nobody else's datagrams in, and tells when no one listens there.
  const connectAndSend = () => socket.connect(server.port, server.address, send as () => void)
  const send = (error?: Error) => {
    if (error) fail(error)
    else if (open) socket.send(query.bytes, (failed) => failed && fail(failed))
  }
  try {
    const local = localAddress(server, options)
    if (local === undefined) connectAndSend()
    else socket.bind({ port: 0, address: local, exclusive: true }, connectAndSend)
  } catch (error) {
    fail(error)
  }
  return () => {
    if (open) socket.close()
    open = false
  }
}

function askByStream(server: DnsServer, query: Query, options: QueryOptions, settle: Settle): () => void {
  const local = localAddress(server, options)
  const socket = connect({
    host: server.address,
    port: server.port,
    autoSelectFamily: false,
    ...(local === undefined ? {} : { localAddress: local }),
  })
  let received = Buffer.alloc(0)
  socket.on('connect', () => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(query.bytes.length)
    socket.write(Buffer.concat([length, query.bytes]))
  })
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
    const message = received.subarray(2, 2 + received.readUInt16BE(0))
    const outcome = replyOf(message, query)
    // Cut short where there is room for all of it, or about something else: a stream has one sender, who is wrong.
    const isSound = outcome !== undefined && !('truncated' in outcome && outcome.truncated)
    settle(isSound ? outcome : { unanswered: 'EBADRESP' })
  })
  socket.on('error', (error) => settle(unreachable(error)))
  socket.on('close', () => settle({ unanswered: 'EBADRESP' }))
  return () => socket.destroy()
}

function replyOf(bytes: Buffer, query: Query): Outcome | undefined {
  try {
    return readReply(bytes, query)
  } catch (cause) {
    if (cause instanceof Malformed) return { unanswered: 'EBADRESP', cause }
    throw cause
  }
}

function localAddress(server: DnsServer, options: QueryOptions): string | undefined {
  return isIPv6(server.address) ? options.localAddress6 : options.localAddress4
}

// No way to the server, or nobody there: c-ares calls all of it a refused connection.
function unreachable(cause: unknown): Outcome {
  return { unanswered: hasCode(cause, 'ETIMEDOUT') ? 'ETIMEOUT' : 'ECONNREFUSED', cause }
}
