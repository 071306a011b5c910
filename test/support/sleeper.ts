// A process that does nothing, for as long as a test needs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export type Sleeper = { pid: number } & AsyncDisposable

/** Starts `sleep`, directly or through another command, and waits until it is `sleep` that runs. */
export async function sleeper(...through: string[]): Promise<Sleeper> {
  const [command = '', ...args] = [...through, 'sleep', '60']
  const child = spawn(command, args, { stdio: 'ignore' })
  const pid = child.pid as number
  await comesTrue(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep'))
  return {
    pid,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Asks again and again, for at most four seconds. */
export async function comesTrue<T>(question: () => T | undefined | false): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const answer = question()
    if (answer) return answer
    await sleep(10)
  }
  throw new Error('it did not come true in 4 s')
}
