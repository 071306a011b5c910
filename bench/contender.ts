// A contender is a process that waits for a line, does that much work, and answers with a line. C, Go and Node alike.
import type { ChildProcess } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Stage } from './stage.js'

export class Contender {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  constructor(stage: Stage, program: string[]) {
    this.child = stage.start(program)
    this.#reader = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /** Its next line: the answer to ask(), or that it is ready. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${this.child.spawnargs.join(' ')} ended (status ${this.child.exitCode})`)
    return value
  }

  async ask(question: string | number): Promise<string> {
    this.child.stdin?.write(`${question}\n`)
    return this.line()
  }

  /** For answers that are numbers. */
  async measure(question: string | number): Promise<number> {
    return Number(await this.ask(question))
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve))
    this.child.stdin?.end()
    await ended
  }
}
