// The other half of startClient: "<ms> <how many at once>" -> {"rate":a second,"cpu":ns each,"p99":ns}, in one of three ways.
import { AsyncLocalStorage } from 'node:async_hooks'
import { answer } from './answer.js'

type Inside = <T>(fn: () => T) => T

/** How a slice is run, by the first argument. nsfd is loaded for `run` only: the others are plain Node. */
const MODES: Record<string, (namespace: string) => Promise<Inside>> = {
  async run(namespace) {
    const { Namespace } = await import('nsfd')
    const ns = Namespace.named(namespace)
    return (fn) => ns.run(fn)
  },
  async plain() {
    return (fn) => fn()
  },
  /** What Node itself takes for a context, whoever uses it. */
  async storage() {
    const storage = new AsyncLocalStorage<object>()
    return (fn) => storage.run({}, fn)
  },
}

/**
 * Does once() over and over, as asked. prepare() is called first, in the same mode, so that servers are inside as well.
 */
export async function answerSlices(
  mode: string | undefined,
  namespace: string,
  once: () => Promise<unknown>,
  prepare: () => Promise<void> = async () => {},
): Promise<void> {
  const inside = await MODES[mode ?? '']?.(namespace)
  if (inside === undefined) throw new Error(`no such mode: ${mode}`)
  await inside(prepare)
  await answer((question) => {
    const [ms, atOnce] = question.split(' ').map(Number)
    return inside(() => slice(once, ms as number, atOnce as number))
  })
}

async function slice(once: () => Promise<unknown>, ms: number, atOnce: number): Promise<string> {
  const taken: number[] = []
  const before = process.cpuUsage()
  const start = performance.now()
  const worker = async () => {
    for (let now = start; now - start < ms; ) {
      await once()
      const then = now
      now = performance.now()
      taken.push(now - then)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  taken.sort((a, b) => a - b)
  const p99 = taken[Math.floor(taken.length * 0.99)] as number
  return JSON.stringify({
    rate: taken.length / seconds,
    cpu: ((user + system) * 1000) / taken.length,
    p99: p99 * 1e6,
  })
}
