// A command on a terminal of its own, as a person would use it: what is typed, and what is seen.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPseudoTerminal } from '#dist/cli/pseudo-terminal.js'
import { hasCode } from '#dist/kernel/errors.js'
import { close } from '#dist/kernel/syscalls.js'

export type Session = {
  child: ChildProcess
  /** Everything on the screen so far. */
  seen(): string
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until the screen shows it, behind what was waited for before: what was there already is no answer. */
  shows(expected: RegExp): Promise<string>
  hangUp(): void
  ended: Promise<number | null>
}

const PATIENCE_MS = 30_000

export function onTerminal(command: readonly string[]): Session {
  const { master, peer, resize } = openPseudoTerminal()
  resize(80, 24)
  let screen = ''
  let read = 0
  master.on('data', (bytes: Buffer) => {
    screen += bytes
  })
  master.on('error', () => {}) // EIO: nobody has the other side open any more
  const child = spawn('setsid', ['--ctty', '--wait', ...command], {
    stdio: [peer, peer, peer],
    env: { ...process.env, NODE_TEST_CONTEXT: '', TERM: 'xterm' },
  })
  close(peer)
  const shownAll = new Promise<void>((resolve) => void master.once('close', resolve))
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', async (code) => {
      await Promise.race([shownAll, sleep(PATIENCE_MS, undefined, { ref: false })])
      master.destroy()
      resolve(code)
    })
  })
  const shows = async (expected: RegExp) => {
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      const match = expected.exec(screen.slice(read))
      if (match !== null) {
        read += match.index + match[0].length
        return match[0]
      }
      if (Date.now() > deadline || master.destroyed) {
        master.destroy()
        throw new Error(
          `The terminal never showed ${expected} behind ${JSON.stringify(screen.slice(0, read))}, but:\n${JSON.stringify(screen.slice(read))}`,
        )
      }
      await sleep(10)
    }
  }
  return {
    child,
    seen: () => screen,
    type: (text) => void master.write(text),
    resize,
    shows,
    hangUp: () => void master.destroy(),
    ended,
  }
}

/** Runs a command to its end and returns all it showed. */
export async function inTerminal(command: readonly string[]): Promise<string> {
  const session = onTerminal(command)
  await session.ended
  return session.seen()
}

/**
 * Waits until a command line runs, on whichever side. Only then has the shell that was told to run it given its terminal
 * back the mode in which Ctrl-C is a signal: before that it is a byte for the shell's line editor.
 */
export async function runs(...line: string[]): Promise<void> {
  const wanted = `${line.join('\0')}\0`
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(10)) {
    if (readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && commandLine(pid) === wanted)) return
  }
  throw new Error(`'${line.join(' ')}' never ran`)
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return '' // it has ended meanwhile
    throw error
  }
}
