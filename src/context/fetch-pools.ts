// fetch and WebSocket connect through undici's global dispatcher. It becomes a router: one dispatcher a namespace.
import { NsfdError } from '../kernel/errors.js'
import type { Namespace } from '../namespace/namespace.js'
import { copyFor, type Dispatcher, isPlainAgent } from './dispatcher-twins.js'
import { wrapDispatch } from './dispatchers.js'
import { LEGACY_SLOT, read, SLOT, slots, whenUndiciLoads } from './global-dispatcher.js'
import { currentStore, HOME, runIn, type Store } from './storage.js'

let router: Dispatcher | undefined

/** Puts the router in place, and again when somebody has set another global dispatcher since. Cheap when in place. */
export function keepFetchPoolsApart(): void {
  const slot = read(SLOT) === undefined ? LEGACY_SLOT : SLOT
  const base = read(slot)
  if (base === undefined) whenUndiciLoads(keepFetchPoolsApart)
  else if (base !== router) route(base, slot)
}

function route(base: Dispatcher, slot: symbol): void {
  wrapDispatch(Object.getPrototypeOf(base))
  const legacy = slots[LEGACY_SLOT] as Dispatcher
  router = routerOver(base)
  slots[slot] = router
  if (slot === SLOT) slots[LEGACY_SLOT] = legacyFace(legacy, base, router)
}

/** Node 26 wraps the dispatcher for copies of undici that speak the older protocol; Node 24 shares it. */
function legacyFace(legacy: Dispatcher, base: Dispatcher, routed: Dispatcher): Dispatcher {
  return legacy === base ? routed : new legacy.constructor(routed)
}

function routerOver(base: Dispatcher): Dispatcher {
  const pools = new Pools(base)
  const dispatch = (options: unknown, handler: unknown) => {
    const store = currentStore()
    return runIn(store, () => pools.of(store).dispatch(options, handler))
  }
  return new Proxy(base, {
    get(target, property) {
      if (property === 'dispatch') return dispatch
      const value = Reflect.get(target, property, target)
      return typeof value === 'function' && property !== 'constructor' ? value.bind(target) : value
    },
  })
}

/** One dispatcher for every Namespace object in use, kept alive by it, and one for home. */
class Pools {
  readonly #base: Dispatcher
  #home: Dispatcher | undefined
  readonly #inside = new WeakMap<Namespace, Dispatcher>()

  constructor(base: Dispatcher) {
    this.#base = base
  }

  of({ net }: Store): Dispatcher {
    if (net === undefined) {
      this.#home ??= isPlainAgent(this.#base) ? copyFor(this.#base, HOME) : this.#base
      return this.#home
    }
    const known = this.#inside.get(net)
    if (known !== undefined) return known
    if (!isPlainAgent(this.#base)) throw notSeparable(this.#base)
    const made = copyFor(this.#base, { net })
    this.#inside.set(net, made)
    return made
  }
}

function notSeparable(base: Dispatcher): NsfdError {
  const name = base.constructor.name
  const message = `fetch inside run() is refused: the global dispatcher is a ${name}, whose connections nsfd cannot keep apart by namespace. Set an Agent as the global dispatcher, or pass { dispatcher } to fetch inside run()`
  return new NsfdError(message, { code: 'ERR_NSFD_DISPATCHER' })
}
