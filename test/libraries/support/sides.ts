// Two network namespaces, red and blue, in which different servers hold the same address and port at the same time.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Namespace } from '#dist/index.js'
import { everyTestEndsAtHome } from '../../support/home.js'
import { needs } from '../../support/needs.js'
import type { ServerName } from '../../support/servers.js'

everyTestEndsAtHome()

/** A test that is cut off by its timeout never gets to its end; what it started would keep this process alive. */
const unfinished = new Set<Sides>()
after(() => Promise.all([...unfinished].map((sides) => sides[Symbol.asyncDispose]())))

export type Server = { readonly pid: number; stop(signal?: NodeJS.Signals): Promise<void> }

export type ServerOptions = Pick<SpawnOptions, 'uid' | 'gid' | 'env' | 'cwd'> & {
  /** What ends it for good; SIGTERM unless told. */
  end?: NodeJS.Signals
  /** The TCP port that answers when it is ready; the sides' port unless told. */
  readyAt?: number
}

export type Side = {
  readonly name: 'red' | 'blue'
  readonly ns: Namespace
  readonly other: Side
  /** A directory of its own, gone afterwards. */
  readonly dir: string
  /** Starts a server inside; it is ready when the port accepts connections there. */
  start(command: string, args: string[], options?: ServerOptions): Promise<Server>
  /** The same for one of the programs in ../programs. Its answers name the namespace the kernel says it is in. */
  startProgram(name: string, args?: string[], options?: ServerOptions): Promise<Server>
}

export type Sides = {
  red: Side
  blue: Side
  both: [Side, Side]
  port: number
  dir: string
  /** Called first when all ends, also after a failure: a client that is not closed keeps reconnecting for ever. */
  atEnd(close: () => unknown): void
} & AsyncDisposable

/** The same on every Node: a server may take seconds to start on a busy machine. */
const START_MS = 30_000

/** What every test here says it needs: servers are started in namespaces, as the users they run as. */
export function needsServers(...servers: ServerName[]): { skip?: string; timeout: number } {
  return { ...needs('root', 'iproute2', ...servers), timeout: 120_000 }
}

export async function twoSides(): Promise<Sides> {
  const dir = mkdtempSync(join(tmpdir(), 'nsfd-libraries-'))
  const port = await portFreeAtHome()
  const running = new Set<Server>()
  const closers: (() => unknown)[] = []
  const make = (name: 'red' | 'blue') => {
    const ns = Namespace.create('net')
    ns.runSync(() => execFileSync('ip', ['link', 'set', 'lo', 'up']))
    mkdirSync(join(dir, name))
    const start = (command: string, args: string[], options: ServerOptions = {}) =>
      startInside(ns, command, args, { readyAt: port, ...options }, running)
    const startProgram = (program: string, args: string[] = [], options: ServerOptions = {}) =>
      start(process.execPath, [fileURLToPath(new URL(`../programs/${program}.js`, import.meta.url)), ...args], options)
    return { name, ns, dir: join(dir, name), start, startProgram }
  }
  const red = make('red') as Side
  const blue = make('blue') as Side
  Object.assign(red, { other: blue })
  Object.assign(blue, { other: red })
  const sides: Sides = {
    red,
    blue,
    both: [red, blue],
    port,
    dir,
    atEnd: (close) => closers.push(close),
    async [Symbol.asyncDispose]() {
      unfinished.delete(sides)
      for (const close of closers) await close()
      await Promise.all([...running].map((server) => server.stop()))
      for (const side of [red, blue]) side.ns.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  unfinished.add(sides)
  return sides
}

async function startInside(
  ns: Namespace,
  command: string,
  args: string[],
  { readyAt = 0, end = 'SIGTERM', ...options }: ServerOptions,
  running: Set<Server>,
): Promise<Server> {
  const child = ns.run(() => spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }))
  const said = hear(child)
  const closed = once(child, 'close')
  await once(child, 'spawn')
  const pid = child.pid as number
  const server: Server = {
    pid,
    async stop(signal = end) {
      running.delete(server)
      child.kill(signal)
      await closed
    },
  }
  running.add(server)
  using birthplace = Namespace.ofProcess(pid, 'net')
  assert.ok(birthplace.equals(ns), `${command} was born in ${birthplace}, not in ${ns}`)
  await acceptsConnections(ns, readyAt, child, () => `${command} said:\n${said.join('')}`)
  return server
}

function hear(child: ChildProcess): string[] {
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => said.push(text))
  }
  return said
}

async function acceptsConnections(ns: Namespace, port: number, child: ChildProcess, said: () => string): Promise<void> {
  const deadline = Date.now() + START_MS
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The server ended. ${said()}`)
    if ((await tryConnect(() => ns.run(() => connect(port, '127.0.0.1')))) === undefined) return
    if (Date.now() > deadline) throw new Error(`The server is not ready after ${START_MS} ms. ${said()}`)
    await sleep(20)
  }
}

/** undefined if it connects, the error's code if not. */
async function tryConnect(open: () => ReturnType<typeof connect>): Promise<string | undefined> {
  const socket = open()
  try {
    await once(socket, 'connect')
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  } finally {
    socket.destroy()
  }
}

/** Below the range the kernel hands out by itself, so that no other test gets it meanwhile. */
async function portFreeAtHome(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if ((await tryConnect(() => connect(port, '127.0.0.1'))) === 'ECONNREFUSED') return port
  }
}
