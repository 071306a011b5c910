// Node's file calls on descriptors, as promises: fs/promises has them for its own FileHandles only.
import * as fs from 'node:fs'
import { promisify } from 'node:util'

export const open = promisify(fs.open)
export const close = promisify(fs.close)
export const read = promisify(fs.read)
export const write = promisify(fs.write)
export const fchown = promisify(fs.fchown)
export const fchmod = promisify(fs.fchmod)
