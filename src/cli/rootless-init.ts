// The first program inside a new user namespace and what belongs to it: makes /run ours, and becomes the command it is given.
// node rootless-init.js [--asked] -- COMMAND…
// --asked: says READY on stderr and goes on only when asked to on stdin, so that it ends if whoever started it has ended.
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { MOUNT } from '../kernel/constants.js'
import { mount } from '../kernel/syscalls.js'
import { KIND_NAMES, KINDS } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { loopbackUp } from './loopback.js'
import { replace } from './replace.js'
import { MARKER, ownUserNamespace, READY } from './rootless-marker.js'

const end = process.argv.indexOf('--')
const options = process.argv.slice(2, end)

try {
  process.env[MARKER] = ownUserNamespace()
  coverRun()
  using home = Namespace.current('net')
  loopbackUp(home)
} catch (error) {
  process.stderr.write(`nsfd: cannot prepare a user namespace: ${(error as Error).message}\n`)
  process.exit(1)
}
const asked = options.includes('--asked')
if (asked) waitUntilAsked()
replace(process.argv.slice(end + 1), asked ? [1] : [0, 1, 2])

function waitUntilAsked(): void {
  writeSync(2, READY)
  if (readSync(0, Buffer.alloc(1)) === 0) process.exit(1)
}

/**
 * An empty /run that we may write to, with everything of the old one in its place (the resolver's files, the session's
 * sockets) but the pins: those are the machine's, and here are ours.
 */
function coverRun(): void {
  const home = process.cwd()
  const pins = KIND_NAMES.map((kind) => KINDS[kind].directory)
  process.chdir('/run')
  const entries = readdirSync('.', { withFileTypes: true }).filter(({ name }) => !pins.includes(`/run/${name}`))
  mount('tmpfs', '/run', 'tmpfs', MOUNT.MS_NOSUID | MOUNT.MS_NODEV)
  chmodSync('/run', 0o755)
  for (const entry of entries) {
    const place = `/run/${entry.name}`
    if (entry.isSymbolicLink()) {
      symlinkSync(readlinkSync(entry.name), place)
      continue
    }
    if (entry.isDirectory()) mkdirSync(place)
    else writeFileSync(place, '')
    // By a relative path: we still stand in the old /run, which has no other name any more.
    mount(entry.name, place, 'none', MOUNT.MS_BIND | MOUNT.MS_REC)
  }
  process.chdir(home)
}
