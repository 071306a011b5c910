// What a context does under stress: ways to ask a server who it is, and ways to fail.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import http from 'node:http'
import { connect, type NetConnectOpts } from 'node:net'
import { text } from 'node:stream/consumers'

export type Operation = {
  /** How often, relative to the others. */
  readonly weight: number
  /** Whether it can get an answer at all. */
  readonly answers: boolean
  ask(port: number): Promise<string>
}

/** No answer over UDP, or none from a server that is dying. */
const PATIENCE_MS = 2_000

export const OPERATIONS: Record<string, Operation> = {
  fetch: { weight: 20, answers: true, ask: (port) => get(port, '/who') },
  'fetch by name': { weight: 5, answers: true, ask: (port) => get(port, '/who', {}, 'localhost') },
  'fetch, closing': {
    weight: 5,
    answers: true,
    ask: (port) => get(port, '/who', { headers: { connection: 'close' } }),
  },
  'fetch, hanging, timeout': {
    weight: 3,
    answers: false,
    ask: (port) => get(port, '/hang', { signal: AbortSignal.timeout(20 + Math.floor(Math.random() * 300)) }),
  },
  'fetch, aborted': { weight: 5, answers: true, ask: aborted },
  'fetch, reset': { weight: 3, answers: false, ask: (port) => get(port, '/reset') },
  'fetch, cut off': { weight: 3, answers: false, ask: (port) => get(port, '/half') },
  'fetch, refused': { weight: 3, answers: false, ask: (port) => get(port + 2, '/who') },
  'http.get': { weight: 15, answers: true, ask: (port) => httpGet(port, '/who') },
  'http.get, reset': { weight: 3, answers: false, ask: (port) => httpGet(port, '/reset') },
  tcp: { weight: 15, answers: true, ask: (port) => read({ port: port + 1, host: '127.0.0.1' }) },
  'tcp, refused': { weight: 3, answers: false, ask: (port) => read({ port: port + 2, host: '127.0.0.1' }) },
  'abstract unix': { weight: 10, answers: true, ask: (port) => read({ path: `\0nsfd-stress-${port}` }) },
  udp: { weight: 10, answers: true, ask: askUdp },
}

const lots = Object.entries(OPERATIONS).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name))

export function anyOperation(): string {
  return lots[Math.floor(Math.random() * lots.length)] as string
}

/** An error's code, wherever a library has put it. */
export function codeOf(error: unknown): string {
  const { code, name, cause, errors } = error as { code?: unknown; name?: string; cause?: unknown; errors?: unknown[] }
  if (typeof code === 'string') return code
  if (cause !== undefined) return codeOf(cause)
  return errors?.[0] === undefined ? (name ?? String(error)) : codeOf(errors[0])
}

/** What may come of servers that die, reset, hang and refuse. Anything else is a fault. */
export const EXPECTED_FAILURES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'AbortError',
  'TimeoutError',
  'NO_ANSWER',
])

async function get(port: number, path: string, options: RequestInit = {}, host = '127.0.0.1'): Promise<string> {
  return (await fetch(`http://${host}:${port}${path}`, options)).text()
}

/** Sometimes before the connection, sometimes in the middle, sometimes too late. */
async function aborted(port: number): Promise<string> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), Math.random() * 50)
  try {
    return await get(port, '/who', { signal: controller.signal })
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

async function httpGet(port: number, path: string): Promise<string> {
  const request = http.get({ port, host: '127.0.0.1', path })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return text(response)
}

async function read(options: NetConnectOpts): Promise<string> {
  const socket = connect(options)
  try {
    return await text(socket)
  } finally {
    socket.destroy()
  }
}

async function askUdp(port: number): Promise<string> {
  const socket = createSocket('udp4')
  const noAnswer = AbortSignal.timeout(PATIENCE_MS)
  try {
    const answer = once(socket, 'message', { signal: noAnswer })
    socket.send('who?', port, '127.0.0.1')
    const [message] = await answer
    return String(message)
  } catch (error) {
    throw noAnswer.aborted ? Object.assign(new Error('no answer'), { code: 'NO_ANSWER' }) : error
  } finally {
    socket.close()
  }
}
