// Namespaces that are closed while contexts run in them. Descriptors' numbers are reused at once, by the next one.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Namespace } from '#dist/index.js'
import { codeOf, OPERATIONS } from './operations.js'

const CONTEXTS = 20
let generation = 0

export type DoomedReport = { answers: number; refusals: number; faults: string[] }

/** Makes a namespace with a server in this process, runs contexts in it, closes it among them, and looks at each. */
export async function doom(port: number): Promise<DoomedReport> {
  const report: DoomedReport = { answers: 0, refusals: 0, faults: [] }
  const word = `doomed ${generation++}`
  const ns = Namespace.create('net')
  ns.runSync(() => execFileSync('ip', ['link', 'set', 'lo', 'up']))
  const server = ns.run(() => createServer((socket) => socket.on('error', () => {}).end(word)))
  ns.run(() => server.listen(port + 1, '127.0.0.1'))
  await once(server, 'listening')

  const contexts = Array.from({ length: CONTEXTS }, () => ns.run(() => use(ns, port, word, report)))
  await sleep(50 + Math.random() * 200)
  ns.close()
  await Promise.all(contexts)
  server.close()
  return report
}

/** Asks until it is refused because the namespace is closed. */
async function use(ns: Namespace, port: number, word: string, report: DoomedReport): Promise<void> {
  for (;;) {
    const wasClosed = ns.closed
    try {
      const answer = await OPERATIONS.tcp?.ask(port)
      report.answers++
      if (answer !== word) report.faults.push(`${word} was answered by ${answer}`)
      if (wasClosed) report.faults.push(`${word}: a connection was made after close()`)
    } catch (error) {
      const code = codeOf(error)
      if (!ns.closed) report.faults.push(`${word}: ${code} before close()`)
      else if (code !== 'EBADF') report.faults.push(`${word}: ${code} after close()`)
      else report.refusals++
      return
    }
  }
}
