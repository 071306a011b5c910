// Becomes nobody, tries everything, and prints what it was told.
import { spawnSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { AF_INET, Namespace, SOCK_STREAM, setns, socketat } from 'nsfd'
import { KIND_NAMES } from '#dist/namespace/kinds.js'
import { becomeNobody } from '../../support/privilege.js'

const [pinned = ''] = process.argv.slice(2)
const made = Namespace.create('net')
const home = readlinkSync('/proc/thread-self/ns/net')
if (process.getuid?.() === 0) becomeNobody()

const ATTEMPTS: Record<string, () => unknown> = {
  socketat: () => socketat(made, AF_INET, SOCK_STREAM),
  'socketat fd': () => socketat(made.fd, AF_INET, SOCK_STREAM),
  setns: () => setns(made),
  pin: () => made.pin(`${pinned}-mine`),
  unpin: () => Namespace.unpin(pinned),
  ofProcess: () => Namespace.ofProcess(1, 'net'),
  handle: () => Namespace.fromHandle(made.handle()),
  named: () => Namespace.named(pinned),
  list: () => Namespace.list().some((pin) => pin.name === pinned && pin.state === 'live'),
  current: () => Namespace.current('net').close(),
  'create user': () => Namespace.create('user').close(),
}
for (const kind of KIND_NAMES)
  if (kind !== 'user' && kind !== 'pid') ATTEMPTS[`create ${kind}`] = () => Namespace.create(kind)

const told: Record<string, { code?: string | undefined; message?: string; value?: unknown }> = {}
for (const [name, attempt] of Object.entries(ATTEMPTS)) {
  try {
    const value = attempt()
    told[name] = { value: value === true }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    told[name] = { code, message }
  }
}
const userns = spawnSync('unshare', ['--user', 'true']).status === 0
process.stdout.write(JSON.stringify({ told, userns, athome: readlinkSync('/proc/thread-self/ns/net') === home }))
