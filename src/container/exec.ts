// execIn: a command run to its end inside a target, with its output, as one promise.
import type { Readable } from 'node:stream'
import { NsfdError } from '../kernel/errors.js'
import { spawnIn, type TargetSpawnOptions } from './spawn.js'
import type { Target } from './target.js'

export type ExecOptions = Omit<TargetSpawnOptions, 'stdio' | 'detached' | 'terminal' | 'timeout' | 'killSignal'> & {
  /** What it reads from its standard input; nothing by default. */
  input?: string | Uint8Array
  /** How stdout and stderr become strings; 'buffer' leaves them bytes. Default: 'utf8'. */
  encoding?: BufferEncoding | 'buffer'
  /** Milliseconds after which it is killed. */
  timeout?: number
  /** Default: SIGKILL. */
  killSignal?: NodeJS.Signals
  /** Bytes of stdout or stderr after which it is killed. Default: 64 MiB. */
  maxBuffer?: number
  /** Whether an exit code other than 0 rejects. Default: true. */
  reject?: boolean
}

/** Output is text, or bytes if options.encoding is 'buffer'. */
export type ExecResult<Output = string> = {
  /** Null where a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: Output
  stderr: Output
}

const MAX_BUFFER = 64 * 1024 * 1024

/**
 * Runs a command inside a target and resolves when it has ended.
 * @throws (rejects) as spawnIn; ERR_NSFD_EXIT with `result` if it fails; ETIMEDOUT; ERR_NSFD_MAXBUFFER; AbortError
 */
export function execIn(
  target: Target,
  command: string,
  args: readonly string[] | undefined,
  options: ExecOptions & { encoding: 'buffer' },
): Promise<ExecResult<Buffer>>
export function execIn(
  target: Target,
  command: string,
  args?: readonly string[],
  options?: ExecOptions,
): Promise<ExecResult>
export async function execIn(
  target: Target,
  command: string,
  args: readonly string[] = [],
  options: ExecOptions = {},
): Promise<ExecResult<string | Buffer>> {
  const { input, encoding = 'utf8', timeout, killSignal = 'SIGKILL', maxBuffer = MAX_BUFFER, reject, ...rest } = options
  rest.signal?.throwIfAborted()
  const child = spawnIn(target, command, args, { ...rest, killSignal, stdio: ['pipe', 'pipe', 'pipe'] })
  let stopped: NsfdError | undefined
  const stop = (error: NsfdError) => {
    stopped ??= error
    child.kill(killSignal)
    // What it started may live on and hold the pipes; nobody reads them any more.
    child.once('exit', () => {
      child.stdout?.destroy()
      child.stderr?.destroy()
    })
  }
  const timer = timeout === undefined ? undefined : setTimeout(() => stop(timedOut(timeout, command)), timeout)
  const stdout = capture(child.stdout as Readable, maxBuffer, () => stop(tooMuch('stdout', maxBuffer, command)))
  const stderr = capture(child.stderr as Readable, maxBuffer, () => stop(tooMuch('stderr', maxBuffer, command)))
  // A command that does not read all of its input is no failure of ours: EPIPE.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, fail) => {
      let wrong: Error | undefined
      child.on('error', (error) => {
        wrong ??= error
        if (child.pid === undefined) fail(error)
      })
      // Not before it has ended, also when it was aborted or could not be started.
      child.once('close', (code, signal) => (wrong === undefined ? resolve([code, signal]) : fail(wrong)))
    })
    if (stopped !== undefined) throw stopped
    const text = (bytes: Buffer) => (encoding === 'buffer' ? bytes : bytes.toString(encoding))
    const result = { code, signal, stdout: text(stdout()), stderr: text(stderr()) }
    if (code !== 0 && reject !== false) throw failed(command, target, result)
    return result
  } finally {
    clearTimeout(timer)
  }
}

function capture(stream: Readable, limit: number, exceeded: () => void): () => Buffer {
  const chunks: Buffer[] = []
  let length = 0
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= limit) chunks.push(chunk)
    else exceeded()
  })
  return () => Buffer.concat(chunks)
}

function failed(command: string, target: Target, result: ExecResult<string | Buffer>): NsfdError {
  const end = result.signal === null ? `exited with ${result.code}` : `was ended by ${result.signal}`
  const [last = ''] = String(result.stderr).trim().split('\n').slice(-1)
  const error = new NsfdError(`'${command}' in ${target} ${end}${last === '' ? '' : `: ${last.slice(0, 200)}`}`, {
    code: 'ERR_NSFD_EXIT',
  })
  return Object.assign(error, { result })
}

function timedOut(milliseconds: number, command: string): NsfdError {
  return new NsfdError(`ETIMEDOUT: '${command}' did not end within ${milliseconds} ms and was killed`, {
    code: 'ETIMEDOUT',
  })
}

function tooMuch(stream: string, limit: number, command: string): NsfdError {
  return new NsfdError(`'${command}' wrote more than ${limit} bytes to ${stream} (maxBuffer) and was killed`, {
    code: 'ERR_NSFD_MAXBUFFER',
  })
}
