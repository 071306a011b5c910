// Signals that others send us and mean for the command. They are caught before it starts: one that came between its start
// and our listening would end us and leave the command alone in there.
import type { ChildProcess } from 'node:child_process'

/** A command that has been started, and to which signals go on until this is disposed of. */
export type Started = Disposable & { readonly child: ChildProcess }

/**
 * @param start starts the command; what it throws is thrown, with nothing left behind
 * @param passesOn asked each time a signal comes
 */
export function startForwarding(
  start: () => ChildProcess,
  signals: readonly NodeJS.Signals[],
  passesOn: (signal: NodeJS.Signals) => boolean = () => true,
): Started {
  let child: ChildProcess | undefined
  const pass = (signal: NodeJS.Signals) => {
    if (passesOn(signal)) child?.kill(signal)
  }
  for (const signal of signals) process.on(signal, pass)
  const stop = () => {
    for (const signal of signals) process.off(signal, pass)
  }
  try {
    child = start()
    return { child, [Symbol.dispose]: stop }
  } catch (error) {
    stop()
    throw error
  }
}
