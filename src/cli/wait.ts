// A parent that behaves as if the child had replaced it: signals go on to the child, its end becomes ours.
import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import { EXIT } from './failure.js'

/** What others send us that is meant for the command. The terminal sends SIGINT and SIGQUIT to the child itself. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const

/** Resolves to an exit code, or to the error for which the child could not be started. */
export async function waitAsIfReplaced(child: ChildProcess): Promise<number | NodeJS.ErrnoException> {
  const listeners: [NodeJS.Signals, () => void][] = []
  const listen = (signal: NodeJS.Signals, listener: () => void) => {
    process.on(signal, listener)
    listeners.push([signal, listener])
  }
  for (const signal of FORWARDED) listen(signal, () => child.kill(signal))
  const alone = !isatty(0) // not process.stdin: that would take hold of the terminal
  for (const signal of FROM_TERMINAL) listen(signal, () => alone && child.kill(signal))
  try {
    return await new Promise((resolve) => {
      child.once('error', resolve)
      child.once('exit', (code, signal) => resolve(code ?? EXIT.signalled + (signal ? constants.signals[signal] : 0)))
    })
  } finally {
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
}
