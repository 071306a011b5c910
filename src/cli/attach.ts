// Connects a command that may be hostile to our stdin, stdout and stderr, and to nothing else of ours.
//
// Our terminal is not handed over: a process that holds it could type into it (TIOCSTI). The command gets a terminal of
// its own, in a session of its own, and bytes go back and forth. Files are not handed over either: a descriptor opened
// for reading can be opened again for writing through /proc/self/fd, so `nsfd enter … < script` would lend the script.
import type { ChildProcess } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isatty } from 'node:tty'
import type { TargetSpawnOptions } from '../container/spawn.js'
import { hasCode } from '../kernel/errors.js'
import { close } from '../kernel/syscalls.js'
import { EXIT } from './failure.js'
import { startForwarding } from './forwarding.js'
import { makeRaw, openPseudoTerminal, type PseudoTerminal } from './pseudo-terminal.js'

type Start = (options: Pick<TargetSpawnOptions, 'stdio' | 'detached' | 'terminal'>) => ChildProcess
type Slot = number | 'pipe'

const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGINT', 'SIGQUIT'] as const

/**
 * Starts a command and waits for its end.
 * @param hostile whether the command is another's: one of ours may have our terminal and files
 * @returns an exit code, or the error for which the command could not be started
 */
export async function attach(start: Start, hostile: boolean): Promise<number | Error> {
  if (!hostile) {
    const { waitAsIfReplaced } = await import('./wait.js')
    return waitAsIfReplaced(() => start({ stdio: 'inherit' }))
  }
  if (isatty(0) && isatty(1)) return attachTerminal(start)
  const slots = [0, 1, 2].map((fd): Slot => (isLendable(fd) ? fd : 'pipe'))
  using started = startForwarding(() => start({ stdio: slots, detached: true }), FORWARDED)
  const { child } = started
  relayInput(child)
  try {
    return await ended(child, relayOutput(child))
  } finally {
    letGo(child)
  }
}

/** Pipes, sockets and devices such as /dev/null are what they are; files, directories and terminals lead to more. */
function isLendable(fd: number): boolean {
  const stats = fstatSync(fd)
  return (stats.isFIFO() || stats.isSocket() || stats.isCharacterDevice()) && !isatty(fd)
}

/**
 * Only what is relayed is touched: Node makes a pipe that it opens as process.stdout non-blocking, for everybody who has it,
 * and a command that was lent it would fail with EAGAIN once its reader is slow.
 */
function relayOutput({ stdout, stderr }: ChildProcess): Promise<void>[] {
  const relayed: Promise<void>[] = []
  if (stdout !== null) relayed.push(pour(stdout, process.stdout))
  if (stderr !== null) relayed.push(pour(stderr, process.stderr))
  return relayed
}

/** Not waited for: the command may end without having read all. */
function relayInput(child: ChildProcess): void {
  if (child.stdin !== null) pour(process.stdin, child.stdin, true).catch(() => process.stdin.destroy())
}

/** Others over there may hold the pipes for as long as they like. */
function letGo(child: ChildProcess): void {
  if (child.stdin !== null) process.stdin.destroy()
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
}

async function attachTerminal(start: Start): Promise<number | Error> {
  const terminal = openPseudoTerminal()
  const resize = () => terminal.resize(process.stdout.columns, process.stdout.rows)
  resize()
  const own = isatty(2) ? terminal.peer : isLendable(2) ? 2 : 'pipe'
  const startThere = () => startAndClose(start, terminal, [terminal.peer, terminal.peer, own])
  using started = startForwarding(startThere, FORWARDED)
  const { child } = started
  process.stdout.on('resize', resize)
  const restore = makeRaw(0)
  try {
    process.stdin.on('data', (bytes) => terminal.master.write(bytes))
    const hungUp = hangUp(terminal)
    const shown = showUntilHangup(terminal.master)
    return await Promise.race([ended(child, [shown, ...relayOutput(child)]), hungUp])
  } finally {
    if (!process.stdin.readableEnded && !process.stdin.errored) restore()
    process.stdin.destroy()
    letGo(child)
    process.stdout.off('resize', resize)
    terminal.master.destroy()
  }
}

function startAndClose(start: Start, { peer, master }: PseudoTerminal, stdio: Slot[]): ChildProcess {
  try {
    return start({ stdio, detached: true, terminal: true })
  } catch (error) {
    master.destroy()
    throw error
  } finally {
    close(peer)
  }
}

/** Where our terminal goes away, so does the command's; one that stays in spite of that is left alone. */
async function hangUp({ master }: PseudoTerminal): Promise<number> {
  await new Promise((resolve) => {
    for (const event of ['end', 'error'] as const) process.stdin.once(event, resolve)
  })
  master.destroy()
  return new Promise((resolve) => {
    setTimeout(() => resolve(EXIT.signalled + constants.signals.SIGHUP), LINGER_MS).unref()
  })
}

/** EIO says that nobody has the other side open any more. */
async function showUntilHangup(master: Readable): Promise<void> {
  try {
    await pour(master, process.stdout)
  } catch (error) {
    if (!hasCode(error, 'EIO')) throw error
  }
}

/** A reader that has gone is no failure: the writer hears of it by itself. */
async function pour(from: Readable, to: Writable, end = false): Promise<void> {
  try {
    await pipeline(from, to, { end })
  } catch (error) {
    if (!hasCode(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE')) throw error
  }
}

/** How long output may still arrive after the command's end, from others that hold its terminal or pipes. */
const LINGER_MS = 200

async function ended(child: ChildProcess, output: Promise<void>[]): Promise<number | Error> {
  const result = await new Promise<number | Error>((resolve) => {
    child.once('error', resolve)
    child.once('exit', (code, signal) => {
      const finish = () => resolve(code ?? EXIT.signalled + (signal ? constants.signals[signal] : 0))
      // What could not be started says so in a moment, behind its exit.
      if (code === EXIT.notFound) setTimeout(finish, LINGER_MS)
      else finish()
    })
  })
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LINGER_MS)
  })
  await Promise.race([Promise.all(output), patience])
  clearTimeout(timer)
  return result
}
