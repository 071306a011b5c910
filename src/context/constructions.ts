// Classes that Node and undici do not export, learnt when the first of their objects is made: all are EventEmitters.
import { EventEmitter } from 'node:events'

type Init = (this: object, options: unknown) => void
type Observer = (made: object) => void
/** Told the first object of a class, at the beginning of its construction, when only its prototypes are in place. */
type Learner = (first: object, prototype: object) => Observer | undefined

/** Shows every class of EventEmitters once; if learn returns an observer, that sees each object of the class, the first too. */
export function onConstruction(learn: Learner): void {
  learners.push(learn)
  if (learners.length > 1) return
  const emitter = EventEmitter as unknown as { init: Init }
  const { init } = emitter
  // Every socket, stream and server of the process comes by here: one look-up, and that is all for nearly all of them.
  emitter.init = function (options) {
    const prototype = Object.getPrototypeOf(this)
    const observers = known.get(prototype) ?? learnClass(this, prototype)
    if (observers !== NOBODY) for (const observe of observers) observe(this)
    return init.call(this, options)
  }
}
const learners: Learner[] = []
const NOBODY: readonly Observer[] = []
const known = new WeakMap<object, readonly Observer[]>()

function learnClass(first: object, prototype: object | null): readonly Observer[] {
  if (prototype === null) return NOBODY
  const observers = learners.flatMap((learn) => learn(first, prototype) ?? [])
  known.set(prototype, observers.length === 0 ? NOBODY : observers)
  return observers
}
