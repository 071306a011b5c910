// The other half of contender.ts: each line asks for some work, and is answered with a line.
import { createInterface } from 'node:readline'

export async function answer(work: (question: string) => unknown): Promise<void> {
  for await (const question of createInterface({ input: process.stdin })) {
    process.stdout.write(`${await work(question)}\n`)
  }
  process.exit()
}

/** Nanoseconds that fn takes. */
export function nanoseconds(fn: () => void): number {
  const start = process.hrtime.bigint()
  fn()
  return Number(process.hrtime.bigint() - start)
}
