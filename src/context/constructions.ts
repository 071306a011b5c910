// Classes that Node and undici do not export, learnt when one of their objects is made: all are EventEmitters.
import { EventEmitter } from 'node:events'

type Init = (this: object, options: unknown) => void
type Observer = (made: object) => void

/** Calls observe with every EventEmitter at the beginning of its construction, when only its prototypes are in place. */
export function onConstruction(observe: Observer): void {
  observers.push(observe)
  if (observers.length > 1) return
  const emitter = EventEmitter as unknown as { init: Init }
  const { init } = emitter
  emitter.init = function (options) {
    for (const observer of observers) observer(this)
    return init.call(this, options)
  }
}
const observers: Observer[] = []
