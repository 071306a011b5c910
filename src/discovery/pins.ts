// Discovery step: the pins under /run/<kind>ns, among them the stale ones, which name nothing.
import { listPins, type PinInfo } from '../namespace/pin.js'
import type { Findings } from './namespaces.js'

/** Adds living pins; returns the stale ones. */
export function findPins(findings: Findings): PinInfo[] {
  const stale: PinInfo[] = []
  for (const kind of findings.kinds) {
    for (const pin of listPins(kind)) {
      if (pin.id === undefined) stale.push(pin)
      else findings.at(kind, pin.id).pins.push({ path: pin.path, name: pin.name })
    }
  }
  return stale
}
