// Starts a child that is the program of an entrance until it becomes the command. node:child_process does the rest.
import { type ChildProcess, type SpawnOptions as NodeSpawnOptions, spawn as nodeSpawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { type NsfdError, systemError } from '../kernel/errors.js'
import { compileProgram, failureOf, type Step } from '../kernel/program.js'
import { close, sealedFile } from '../kernel/syscalls.js'
import type { Namespace } from '../namespace/namespace.js'
import { visit } from '../namespace/thread.js'
import { type Entrance, inheritedBy, reportFd, stepsInto } from './entrance.js'

/** What of Node's options reaches Node: the rest is done inside, by the program. */
export type LaunchOptions = Omit<NodeSpawnOptions, 'stdio' | 'env' | 'uid' | 'gid' | 'argv0' | 'shell'> & {
  stdio: Exclude<NodeSpawnOptions['stdio'], string | undefined>
}

/**
 * @param birthplace the pid namespace that the child shall be born in, if not ours
 */
export function launch(
  entrance: Entrance,
  options: LaunchOptions,
  birthplace: Namespace | undefined,
  target: { toString(): string; expectAlive(): void },
): ChildProcess {
  const steps = stepsInto(entrance)
  const inherited = inheritedBy(entrance)
  const stdio = [...options.stdio, 'pipe' as const, ...inherited]
  const asked = `cannot start a process in ${target}`
  // Out of the way of the numbers that the child's descriptors get.
  const program = sealedFile(compileProgram(steps, reportFd(entrance)), stdio.length, { asked })
  try {
    const path = `/proc/self/fd/${program}`
    const start = () => nodeSpawn(path, [], { ...options, stdio, env: {}, argv0: 'nsfd' })
    const child = birthplace === undefined ? start() : visit('pid', birthplace.fd, start, asked)
    if (child.pid === undefined) refuseIfGone(child, target)
    const report = child.stdio[reportFd(entrance)] as Readable | null | undefined
    const what = { spawnfile: entrance.command, spawnargs: [...entrance.argv] }
    Object.assign(child, what, { stdio: child.stdio.slice(0, options.stdio.length) })
    if (report) tellFailure(child, report, steps, entrance, asked)
    return child
  } finally {
    close(program)
  }
}

/** A pid namespace without its init takes no child (ENOMEM): then that is the error, and not an event. */
function refuseIfGone(child: ChildProcess, target: { expectAlive(): void }): void {
  try {
    target.expectAlive()
  } catch (error) {
    child.on('error', () => {}) // told better by ours
    throw error
  }
}

/** A command that cannot be started is an 'error' event, as of child_process.spawn; its exit code is 127. */
function tellFailure(child: ChildProcess, report: Readable, steps: Step[], entrance: Entrance, asked: string): void {
  const chunks: Buffer[] = []
  report.on('data', (chunk: Buffer) => chunks.push(chunk))
  report.on('error', () => {}) // a report that cannot be read leaves the exit code to tell
  report.on('end', () => {
    const failure = failureOf(Buffer.concat(chunks), steps)
    if (failure !== undefined) child.emit('error', startError(failure, entrance, asked))
  })
}

function startError({ step, errno }: { step: Step | undefined; errno: number }, entrance: Entrance, asked: string) {
  const { command } = entrance
  // Past the last step, or in execve: it is the command that is at fault.
  if (step !== undefined && step.call !== 'execve') {
    return systemError(errno, { syscall: step.call, asked: `${asked}: cannot ${step.purpose ?? 'prepare it'}` })
  }
  const error = systemError(errno, {
    syscall: `spawn ${command}`,
    asked,
    next: {
      ENOENT: `there is no '${command}' over there, or what it needs to run is not there`,
      EACCES: 'over there it may not be executed by that user',
      ENOEXEC: 'it is no program for this machine',
    },
  })
  return Object.assign(error, { path: command, spawnargs: entrance.argv.slice(1) }) satisfies NsfdError
}
