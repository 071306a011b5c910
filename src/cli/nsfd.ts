#!/usr/bin/env node
// The way in: does at once what needs no parsing, leaves the rest to main.ts, and turns what goes wrong into a line and an
// exit code. Built into one file (scripts/build.mjs), because every file that Node loads delays the command.
import { reportFailure } from './failure.js'
import { DIRECTORY, isInsideRootless } from './rootless-marker.js'

/** Command lines of these forms have no options: nsfd exec TARGET -- COMMAND…, nsfd enter TARGET [-- COMMAND…]. */
const AT_ONCE: Record<string, (target: string, line: string[]) => Promise<boolean>> = {
  exec: async (target, line) => {
    if (line.length === 0) return false
    const { execInside } = await import('./exec-inside.js')
    await execInside(target, line, {})
    return true
  },
  enter: async (target, line) => {
    const { enterInside } = await import('./enter-inside.js')
    await enterInside(target, line, {})
    return true
  },
}

async function start(): Promise<void> {
  goBackToDirectory()
  if (await doneAtOnce(process.argv.slice(2))) return
  const { main } = await import('./main.js')
  await main()
}

async function doneAtOnce([word = '', target = '-', ...rest]: string[]): Promise<boolean> {
  if (!Object.hasOwn(AT_ONCE, word) || target.startsWith('-')) return false
  const [dashes, ...line] = rest
  if (dashes !== undefined && (dashes !== '--' || line.length === 0)) return false
  return (AT_ONCE[word] as (typeof AT_ONCE)[string])(target, line)
}

/** Entering a mount namespace ends at its root; the command was typed somewhere else. */
function goBackToDirectory(): void {
  const directory = process.env[DIRECTORY]
  if (directory === undefined || !isInsideRootless()) return
  delete process.env[DIRECTORY]
  process.chdir(directory)
}

start().catch((error) => {
  process.exitCode = reportFailure(error)
})
