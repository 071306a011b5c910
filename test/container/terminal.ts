// A command on a terminal of its own, as a person would use it: what is typed, and what is seen.
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPseudoTerminal } from '#dist/cli/pseudo-terminal.js'
import { close } from '#dist/kernel/syscalls.js'

export type Session = {
  child: ChildProcess
  /** Everything on the screen so far. */
  seen(): string
  type(text: string): void
  resize(columns: number, rows: number): void
  /** Waits until the screen shows it. */
  shows(expected: RegExp): Promise<void>
  hangUp(): void
  ended: Promise<number | null>
}

const PATIENCE_MS = 10_000

export function onTerminal(command: readonly string[]): Session {
  const { master, peer, resize } = openPseudoTerminal()
  resize(80, 24)
  let screen = ''
  master.on('data', (bytes: Buffer) => {
    screen += bytes
  })
  master.on('error', () => {}) // EIO: nobody has the other side open any more
  const child = spawn('setsid', ['--ctty', '--wait', ...command], {
    stdio: [peer, peer, peer],
    env: { ...process.env, NODE_TEST_CONTEXT: '', TERM: 'xterm' },
  })
  close(peer)
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', async (code) => {
      await sleep(50) // what is still on its way to the screen
      master.destroy()
      resolve(code)
    })
  })
  const shows = async (expected: RegExp) => {
    const deadline = Date.now() + PATIENCE_MS
    while (!expected.test(screen)) {
      if (Date.now() > deadline) {
        master.destroy()
        throw new Error(`The terminal never showed ${expected}, but:\n${JSON.stringify(screen)}`)
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
