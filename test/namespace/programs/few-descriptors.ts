// Runs with a low limit of descriptors. Leaves so many free, and tries each operation: it works or is EMFILE; nothing leaks.
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { AF_INET, Namespace, SOCK_STREAM, socketat } from 'nsfd'
import { close } from '#dist/kernel/syscalls.js'

const [prefix = ''] = process.argv.slice(2)
const MOST_FREE = 24
const place = () => readlinkSync('/proc/thread-self/ns/net')
const home = place()
const target = Namespace.create('net')

const OPERATIONS: Record<string, () => void> = {
  socketat: () => close(socketat(target, AF_INET, SOCK_STREAM)),
  'create net': () => Namespace.create('net').close(),
  'create uts': () => Namespace.create('uts').close(),
  'create user': () => Namespace.create('user').close(),
  'create mnt': () => Namespace.create('mnt').close(),
  current: () => Namespace.current('ipc').close(),
  ofProcess: () => Namespace.ofProcess(process.pid, 'net').close(),
  open: () => Namespace.open('/proc/self/ns/uts').close(),
  owner: () => target.owner().close(),
  clone: () => target.clone().close(),
  handle: () => Namespace.fromHandle(target.handle()).close(),
  pin: () => target.pin(`${prefix}-few`).unpin(),
  list: () => void Namespace.list(),
}

// Once with plenty, so that what Node opens lazily for itself is open.
for (const operate of Object.values(OPERATIONS)) operate()
await settled()

const wrong: string[] = []
const outcomes: Record<string, Record<string, number>> = {}
for (const [name, operate] of Object.entries(OPERATIONS)) {
  const tally: Record<string, number> = {}
  outcomes[name] = tally
  for (let free = 0; free <= MOST_FREE; free++) {
    const before = await settled()
    const ballast = fill(free)
    let outcome = 'ok'
    try {
      operate()
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      outcome = code
      if (code === '' || message === '') wrong.push(`${name} with ${free} free: ${error}`)
    }
    for (const fd of ballast) closeSync(fd)
    tally[outcome] = (tally[outcome] ?? 0) + 1
    const after = await settled(before)
    if (after !== before) wrong.push(`${name} with ${free} free (${outcome}): ${after - before} descriptors leaked`)
    if (place() !== home) wrong.push(`${name} with ${free} free (${outcome}): the thread is at ${place()}`)
  }
}
if (Namespace.list().some((pin) => pin.name.startsWith(prefix))) {
  wrong.push('a pin was left')
  Namespace.unpin(`${prefix}-few`)
}
process.stdout.write(JSON.stringify({ wrong, outcomes }))

function fill(free: number): number[] {
  const ballast: number[] = []
  try {
    for (;;) ballast.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
  }
  for (const fd of ballast.splice(0, free)) closeSync(fd)
  return ballast
}

/** The number of open descriptors, when it has stopped changing (or is what is waited for): Workers take a moment to end. */
async function settled(wanted?: number): Promise<number> {
  let last = -1
  for (let tries = 0; tries < 60; tries++) {
    const now = readdirSync('/proc/self/fd').length
    if (wanted === undefined ? now === last : now === wanted) return now
    last = now
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return last
}
