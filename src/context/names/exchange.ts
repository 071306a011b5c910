// One query to one server: a datagram, or a stream where the answer does not fit one.
// Sockets and timers are made here and in datagrams.ts, in the context of a caller: that is what puts them in the namespace.
import { connect, isIPv6 } from 'node:net'
import { hasCode } from '../../kernel/errors.js'
import type { Datagrams, Said } from './datagrams.js'
import { freshId, type Query, readReply } from './message.js'
import { Malformed } from './reader.js'
import type { Pursuit } from './shared.js'
import type { DnsServer, QueryOptions } from './source.js'

export type Outcome = Said

/** How a server is asked. */
export type Way = {
  readonly datagrams: Datagrams
  readonly timeoutMs: number
  /** By a stream from the start. */
  readonly tcp: boolean
  readonly options: QueryOptions
  readonly pursuit: Pursuit
}

const CANCELLED: Outcome = { unanswered: 'ECANCELLED' }

/**
 * Asks one server once; settles within the time of the way, twice that where a datagram was cut short and a stream follows.
 */
export function exchange(server: DnsServer, encode: (id: number) => Query, way: Way): Promise<Outcome> {
  const { datagrams, timeoutMs, tcp, options, pursuit } = way
  if (pursuit.ended) return Promise.resolve(CANCELLED)
  if (tcp) return askByStream(server, encode(freshId()), way)
  return new Promise((resolve) => {
    let end: (() => void) | undefined
    const settle = (said: Outcome) => {
      pursuit.onEnd = undefined
      const isCut = 'truncated' in said && said.truncated
      resolve(isCut ? askByStream(server, encode(freshId()), way) : said)
    }
    pursuit.onEnd = () => {
      end?.()
      settle(CANCELLED)
    }
    end = datagrams.ask(server, localAddress(server, options), encode, timeoutMs, settle)
  })
}

function askByStream(server: DnsServer, query: Query, { timeoutMs, options, pursuit }: Way): Promise<Outcome> {
  return new Promise((resolve) => {
    if (pursuit.ended) return resolve(CANCELLED)
    const local = localAddress(server, options)
    const socket = connect({
      host: server.address,
      port: server.port,
      autoSelectFamily: false,
      ...(local === undefined ? {} : { localAddress: local }),
    })
    const settle = (outcome: Outcome) => {
      clearTimeout(timer)
      pursuit.onEnd = undefined
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => settle({ unanswered: 'ETIMEOUT' }), timeoutMs)
    pursuit.onEnd = () => settle(CANCELLED)
    let received = Buffer.alloc(0)
    socket.on('connect', () => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(query.bytes.length)
      socket.write(Buffer.concat([length, query.bytes]))
    })
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      settle(streamed(received.subarray(2, 2 + received.readUInt16BE(0)), query))
    })
    socket.on('error', (error) => settle(unreachable(error)))
    socket.on('close', () => settle({ unanswered: 'EBADRESP' }))
  })
}

/** Cut short where there is room for all of it, or about something else: a stream has one sender, who is wrong. */
function streamed(message: Buffer, query: Query): Outcome {
  try {
    const reply = readReply(message, query)
    return reply === undefined || reply.truncated ? { unanswered: 'EBADRESP' } : reply
  } catch (cause) {
    if (cause instanceof Malformed) return { unanswered: 'EBADRESP', cause }
    throw cause
  }
}

function localAddress(server: DnsServer, { localAddress4, localAddress6 }: QueryOptions): string | undefined {
  if (localAddress4 === localAddress6) return undefined // neither is there
  return isIPv6(server.address) ? localAddress6 : localAddress4
}

// No way to the server, or nobody there: c-ares calls all of it a refused connection.
function unreachable(cause: unknown): Outcome {
  return { unanswered: hasCode(cause, 'ETIMEDOUT') ? 'ETIMEOUT' : 'ECONNREFUSED', cause }
}
