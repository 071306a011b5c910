// How much memory JavaScript holds on to, when everything that can be collected is.
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of the heap and of buffers, after full collections; several, because what is closed goes one turn later. */
export async function heldBytes(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    collect()
    await sleep(10)
  }
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
