// Runs one of the small programs under test/…/programs in a process of its own, and says how it ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type Ended = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }

export type Start = {
  args?: string[]
  env?: Record<string, string>
  /** A command that starts the program in its turn: ['unshare', '--pid']. */
  through?: string[]
}

/** Starts a program; `at` is new URL('./programs/….js', import.meta.url). */
export function startProgram(at: URL, { args = [], env = {}, through = [] }: Start = {}): ChildProcess {
  const [command = '', ...rest] = [...through, process.execPath, fileURLToPath(at), ...args]
  return spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_TEST_CONTEXT: '', ...env },
  })
}

/** Waits for the end of a process and returns all it said. */
export async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, stdout, stderr }
}

export function runProgram(at: URL, start?: Start): Promise<Ended> {
  return ended(startProgram(at, start))
}
