// The two places of undici's global dispatcher, and being told when they are filled, without loading undici (5 to 14 MB).
import type { Dispatcher } from './dispatcher-twins.js'

/** Where undici keeps it: .1 on Node 20 and 22; .2, with .1 for older copies of undici, from Node 24. */
export const LEGACY_SLOT = Symbol.for('undici.globalDispatcher.1')
export const SLOT = Symbol.for('undici.globalDispatcher.2')
export const slots = globalThis as unknown as Record<symbol, Dispatcher | undefined>

/** Majors of Node whose own undici was seen to do as whenUndiciLoads() says. */
const SEEN = { from: 20, to: 26 }

let looking = false
let waiting = false

/** What is in a place; our looking is nobody's loading. */
export function read(slot: symbol): Dispatcher | undefined {
  looking = true
  const found = slots[slot]
  looking = false
  return found
}

/**
 * Every copy of undici, as it is loaded, looks into one of the places, makes an Agent if that is empty, and puts it there.
 * The Agent's class is known from this first object on and keeps namespaces apart by itself (dispatchers.ts), so that
 * nothing sent in the same breath goes astray; `filled` is called right after it, before any other call tree runs.
 */
export function whenUndiciLoads(filled: () => void): void {
  if (waiting) return
  if (!canWait()) {
    void globalThis.Response // loads it; a Node without fetch has none
    if (read(LEGACY_SLOT) !== undefined) filled()
    return
  }
  waiting = true
  for (const slot of [SLOT, LEGACY_SLOT]) {
    if (Object.hasOwn(slots, slot)) continue
    Object.defineProperty(slots, slot, {
      get() {
        if (!looking) queueMicrotask(filled)
        return undefined
      },
      // Assigned by hand: a plain property from then on, as it would have been.
      set(value: Dispatcher) {
        Object.defineProperty(slots, slot, { value, writable: true, enumerable: true, configurable: true })
        filled()
      },
      configurable: true, // undici defines it anew
    })
  }
}

function canWait(): boolean {
  const major = Number.parseInt(process.versions.node, 10)
  return major >= SEEN.from && major <= SEEN.to && Object.isExtensible(slots)
}
