// undici's dispatchers, Node's copy and npm's: a Pool or Client belongs to one place, an Agent gets a twin a namespace.
import { createRequire } from 'node:module'
import { onConstruction } from './constructions.js'
import { connectOf, type Dispatcher, isPlainAgent, symbolOf, twinOf } from './dispatcher-twins.js'
import { poolRefusal } from './refusal.js'
import { currentStore, EXPLICIT, HOME, poolKey, runIn, type Store, storage } from './storage.js'

type Dispatch = (this: Dispatcher, options: unknown, handler: unknown) => boolean
type Call = (dispatcher: Dispatcher) => boolean
type Connector = (options: object, callback: unknown) => unknown

/** The place of a dispatcher: of whoever used it first. */
const owners = new WeakMap<Dispatcher, Store>()
/** A Pool's clients, and an Agent's pools, are where the outer one is. */
const outerOf = new WeakMap<Dispatcher, Dispatcher>()
/** The dispatcher whose dispatch is under way: those it calls are its own. */
let outer: Dispatcher | undefined

export function keepDispatchersApart(): void {
  for (const prototype of loadedPrototypes()) wrapDispatch(prototype)
  onConstruction((made, prototype) => {
    if (looksLikeDispatcher(made)) wrapDispatch(prototype)
    return undefined
  })
}

/** Wraps the dispatch of a class and of those above it, and so reaches every object of them, those made before too. */
export function wrapDispatch(prototype: object | null): void {
  for (let owner = prototype; owner !== null && owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
    const property = Object.getOwnPropertyDescriptor(owner, 'dispatch')
    if (typeof property?.value !== 'function' || wrapped.has(property.value)) continue
    const original = property.value as Dispatch
    const dispatch: Dispatch = function (options, handler) {
      return dispatchWhereItBelongs(
        this,
        (dispatcher) => Reflect.apply(original, dispatcher, [options, handler]),
        (twin) => twin.dispatch(options, handler),
      )
    }
    wrapped.add(dispatch)
    Object.defineProperty(owner, 'dispatch', { ...property, value: dispatch })
  }
}
const wrapped = new WeakSet<object>()

function dispatchWhereItBelongs(dispatcher: Dispatcher, call: Call, callTwin: Call): boolean {
  if (outer === dispatcher) return call(dispatcher) // a subclass calls super.dispatch()
  if (HAS_NO_CONNECTIONS.has(dispatcher.constructor.name)) return call(dispatcher)
  if (outer !== undefined && !owners.has(dispatcher)) outerOf.set(dispatcher, outer)
  if (outerOf.has(dispatcher)) return callInside(dispatcher, call)
  const store = currentStore()
  const owner = owners.get(dispatcher)
  if (owner === undefined || poolKey(owner) === poolKey(store)) {
    owners.set(dispatcher, store) // the latest: its Namespace object is the one that is open
    return callInside(dispatcher, call)
  }
  if (isExplicit(dispatcher)) return callInside(dispatcher, call)
  if (isPlainAgent(dispatcher)) return callTwin(twinOf(dispatcher, store))
  throw poolRefusal(`This ${dispatcher.constructor.name} of undici would use connections`)
}

/** They only call the one they are made over. */
const HAS_NO_CONNECTIONS = new Set(['ComposedDispatcher', 'Dispatcher1Wrapper'])

function callInside(dispatcher: Dispatcher, call: Call): boolean {
  pinConnector(dispatcher)
  const before = outer
  outer = dispatcher
  try {
    return runIn(placeOf(dispatcher), () => call(dispatcher))
  } finally {
    outer = before
  }
}

function placeOf(dispatcher: Dispatcher): Store {
  const above = outerOf.get(dispatcher)
  return above === undefined ? (owners.get(dispatcher) ?? HOME) : placeOf(above)
}

/** A Client connects again from wherever its last connection ended or a timer ran: from now on always in its place. */
function pinConnector(dispatcher: Dispatcher): void {
  if (lookedAt.has(dispatcher)) return
  lookedAt.add(dispatcher)
  const symbol = symbolOf(dispatcher, 'connector')
  const holder = dispatcher as unknown as Record<symbol, Connector | undefined>
  const connector = symbol && holder[symbol]
  if (symbol === undefined || typeof connector !== 'function' || pinned.has(connector)) return
  const chosen = explicit.has(connector)
  const inPlace: Connector = (options, callback) => {
    const store = chosen ? { ...placeOf(dispatcher), [EXPLICIT]: true as const } : placeOf(dispatcher)
    return storage.run(store, () => connector(options, callback))
  }
  if (chosen) explicit.add(inPlace)
  pinned.add(inPlace)
  holder[symbol] = inPlace
}
const pinned = new WeakSet<Connector>()
const lookedAt = new WeakSet<Dispatcher>()

/** Connections made by this function are in the namespace somebody chose: whoever uses them is right. */
export function makeExplicit<T extends object>(connector: T): T {
  explicit.add(connector)
  return connector
}
const explicit = new WeakSet<object>()

function isExplicit(dispatcher: Dispatcher): boolean {
  const connect = connectOf(dispatcher)
  return typeof connect === 'function' && explicit.has(connect)
}

function loadedPrototypes(): object[] {
  const { cache } = createRequire(import.meta.url)
  return Object.entries(cache).flatMap(([path, module]) => {
    if (!path.includes('/undici/lib/')) return []
    const prototype = typeof module?.exports === 'function' ? module.exports.prototype : undefined
    return Object.hasOwn(prototype ?? {}, 'dispatch') ? [prototype] : []
  })
}

function looksLikeDispatcher(made: object): boolean {
  const { dispatch, close, destroy } = made as Partial<Record<string, unknown>>
  if (typeof dispatch !== 'function' || wrapped.has(dispatch)) return false
  return typeof close === 'function' && typeof destroy === 'function' && ancestry(made).includes('Dispatcher')
}

function ancestry(made: object): string[] {
  const above = Object.getPrototypeOf(made)
  return above === null ? [] : [String(above.constructor?.name), ...ancestry(above)]
}
