// Loses the right to come home while away. What follows must never run.
import { writeSync } from 'node:fs'
import { isMainThread, Worker } from 'node:worker_threads'
import { AF_INET, Namespace, SOCK_STREAM, socketat } from 'nsfd'
import { libc } from '#dist/kernel/libc.js'
import { dropCapabilities } from '../../support/privilege.js'

const [how = '', on = ''] = process.argv.slice(2)

/** Each gives the capabilities up between the way there and the way back. */
const WAYS: Record<string, (target: Namespace) => void> = {
  runSync: (target) => target.runSync(dropCapabilities),
  'runSync that throws': (target) =>
    target.runSync(() => {
      dropCapabilities()
      throw new Error('this error would be all one hears of it')
    }),
  socketat: (target) => {
    const real = libc().socket
    libc().socket = (...args) => {
      dropCapabilities()
      return real(...args)
    }
    socketat(target, AF_INET, SOCK_STREAM)
  },
  create: () => {
    const real = libc().open
    libc().open = (...args) => {
      dropCapabilities()
      return real(...args)
    }
    Namespace.create('net')
  },
}

if (on === 'worker' && isMainThread) {
  new Worker(new URL(import.meta.url), { argv: [how, on] })
} else {
  const target = Namespace.create('net')
  const way = WAYS[how]
  if (way === undefined) throw new Error(`no way '${how}'`)
  try {
    way(target)
  } catch {
    // Catching does not help: the process must be gone by now.
  }
  writeSync(1, 'went on')
}
