// A parent that behaves as if the child had replaced it: signals go on to the child, its end becomes ours.
import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import { EXIT } from './failure.js'
import { startForwarding } from './forwarding.js'

/** What others send us that is meant for the command. The terminal sends SIGINT and SIGQUIT to the child itself. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

/** Starts the child. Resolves to an exit code, or to the error for which it could not be started. */
export async function waitAsIfReplaced(start: () => ChildProcess): Promise<number | NodeJS.ErrnoException> {
  const alone = !isatty(0) // not process.stdin: that would take hold of the terminal
  const passesOn = (signal: NodeJS.Signals) => alone || !FROM_TERMINAL.includes(signal)
  using started = startForwarding(start, [...FORWARDED, ...FROM_TERMINAL], passesOn)
  const { child } = started
  return await new Promise((resolve) => {
    child.once('error', resolve)
    child.once('exit', (code, signal) => resolve(code ?? EXIT.signalled + (signal ? constants.signals[signal] : 0)))
  })
}
