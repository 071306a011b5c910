// Answers of a real kernel (Linux 6.18), recorded: all that was asked of one namespace with a bit of everything in it.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url)).replace(/\/build\/test\//, '/test/')
const directory = join(root, 'dumps')

/** Name and bytes of each recording: messages as they came, chunk after chunk. */
export const recordings: { name: string; bytes: Buffer }[] = readdirSync(directory)
  .filter((file) => file.endsWith('.bin'))
  .sort()
  .map((file) => ({ name: file.slice(0, -'.bin'.length), bytes: readFileSync(join(directory, file)) }))

export function recording(name: string): Buffer {
  const found = recordings.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no recording ${name}`)
  return found.bytes
}
