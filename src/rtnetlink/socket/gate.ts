// The gate to libuv's pool. A request can wait on the kernel's RTNL lock for as long as someone else holds it; were all of
// the pool's threads to wait there, so would every file and DNS operation of this process. So only two ever do.
const PLACES = 2

const waiting: (() => void)[] = []
let inside = 0

/** Runs work when there is a place, in the order of asking. */
export async function throughGate<T>(work: () => Promise<T>): Promise<T> {
  if (inside >= PLACES) await new Promise<void>((resolve) => waiting.push(resolve))
  else inside++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) inside--
    else next()
  }
}
