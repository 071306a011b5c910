// What is found in the directory of pins after a crash.
import { chmodSync, writeFileSync } from 'node:fs'
import { type Kind, Namespace } from 'nsfd'
import { KINDS } from '#dist/namespace/kinds.js'
import { uniqueName } from './names.js'

/** What is left when `pin` or `ip netns add` is killed between making the file and mounting on it. */
export function leaveStaleFile(kind: Kind, name: string, mode = 0): string {
  using made = Namespace.create(kind)
  made.pin(uniqueName('prepare')).unpin()
  const path = `${KINDS[kind].directory}/${name}`
  writeFileSync(path, '', { flag: 'wx' })
  chmodSync(path, mode)
  return path
}
