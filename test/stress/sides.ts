// Home and many namespaces, each with a server of the same port, which is killed now and then and started again.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Namespace } from '#dist/index.js'

const SERVER = fileURLToPath(new URL('./programs/server.js', import.meta.url))

export class Side {
  readonly word: string
  readonly ns: Namespace | undefined
  /** Whether its server accepts connections, and nobody is about to kill it. */
  isUp = false
  readonly #port: number
  #server: ChildProcess | undefined

  /** @param ns none for home */
  constructor(port: number, ns?: Namespace) {
    this.ns = ns
    this.word = ns?.toString() ?? 'home'
    this.#port = port
    ns?.runSync(() => execFileSync('ip', ['link', 'set', 'lo', 'up']))
  }

  /** In this side's context. */
  run<T>(fn: () => T): T {
    return this.ns === undefined ? fn() : this.ns.run(fn)
  }

  async start(): Promise<void> {
    const args = [SERVER, String(this.#port), this.word]
    const server = this.run(() => spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }))
    this.#server = server
    while (server.exitCode === null && !(await this.run(() => accepts(this.#port)))) await sleep(20)
    if (server.exitCode !== null) throw new Error(`the server of ${this.word} ended by itself`)
    this.isUp = true
  }

  async kill(): Promise<void> {
    this.isUp = false
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const gone = once(server, 'exit')
    server.kill('SIGKILL')
    await gone
  }
}

/** Starts servers a few at a time. */
export async function startAll(sides: Side[]): Promise<void> {
  const waiting = [...sides]
  const lane = async () => {
    for (let side = waiting.pop(); side !== undefined; side = waiting.pop()) await side.start()
  }
  await Promise.all(Array.from({ length: 4 }, lane))
}

/** Free at home, with the two above it, and below the range the kernel hands out by itself. */
export async function freePorts(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const taken = await Promise.all([port, port + 1, port + 2].map(accepts))
    if (!taken.includes(true)) return port
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false // whatever the reason: it is not ready, and is asked again
  } finally {
    socket.destroy()
  }
}
