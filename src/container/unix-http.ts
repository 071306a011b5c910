// One HTTP request on a unix socket, answered with JSON. All that docker's API needs.
import { require } from '../kernel/require.js'
import { engineFailed } from './engine.js'

const PATIENCE_MS = 10_000
const MAX_ANSWER = 64 * 1024 * 1024
const NEXT: Record<string, string> = {
  EACCES: 'you may not use its socket: run as root, or be in its group',
  ECONNREFUSED: 'nobody listens on its socket: is the daemon running?',
  ENOENT: 'it has no socket there: is the daemon running?',
}

/** Undefined for 404. @throws NsfdError ERR_NSFD_ENGINE */
export async function getJson(engine: string, socketPath: string, path: string): Promise<unknown> {
  const { status, body } = await get(engine, socketPath, path)
  if (status === 404) return undefined
  const answer = parse(body)
  if (status === 200 && answer !== undefined) return answer
  const why = (answer as { message?: string } | undefined)?.message ?? `HTTP ${status}`
  throw engineFailed(engine, `${why} (${path} on ${socketPath})`)
}

/** By require: importing node:http reads all it exports, WebSocket too, for which Node 22 and up load undici. */
function get(engine: string, socketPath: string, path: string): Promise<{ status: number; body: string }> {
  const { request } = require('node:http') as typeof import('node:http')
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      reject(engineFailed(engine, `${NEXT[error.code ?? ''] ?? error.message} (${socketPath})`, error))
    // No agent: a pooled connection would outlive the question. No servername: Node would find out whether the host is an
    // IP address, by expressions that take 7 ms to compile.
    const options = { socketPath, path, agent: false, servername: '', headers: { Host: 'localhost' } }
    const asking = request(options, (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        length += chunk.length
        if (length > MAX_ANSWER) asking.destroy(new Error(`its answer is longer than ${MAX_ANSWER} bytes`))
      })
      response.on('error', fail)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    asking.setTimeout(PATIENCE_MS, () => asking.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)))
    asking.on('error', fail)
    asking.end()
  })
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // said by the caller, with the status
  }
}
