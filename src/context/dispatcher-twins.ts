// Twins: Agents of undici with the same options as another, whose connections are made in one namespace.
import type { Namespace } from '../namespace/namespace.js'
import { STAMP } from './stamp.js'
import { HOME, type Store, storage } from './storage.js'

export type Connect = ((options: object, callback: unknown) => unknown) | object | undefined
export type Dispatcher = {
  constructor: (new (options: object) => Dispatcher) & { name: string }
  dispatch(options: unknown, handler: unknown): boolean
  close(...args: unknown[]): unknown
  destroy(...args: unknown[]): unknown
  on(event: string, listener: (...args: unknown[]) => void): unknown
  emit(event: string, ...args: unknown[]): boolean
}

/** The option of Agent, under the description of the symbol it is kept by. */
const OPTIONS_KEPT_APART = ['factory', 'maxRedirections']
const EVENTS = ['connect', 'disconnect', 'connectionError', 'drain']

/** What nsfd knows how to make again. */
export function isPlainAgent(dispatcher: Dispatcher): boolean {
  return dispatcher.constructor.name === 'Agent' && symbolOf(dispatcher, 'options') !== undefined
}

/** An Agent with the same options, whose every connection is made in `store`. */
export function copyFor(agent: Dispatcher, store: Store): Dispatcher {
  const options = { ...(kept(agent, 'options') as object) }
  for (const name of OPTIONS_KEPT_APART) {
    const value = kept(agent, name)
    if (value !== undefined) Object.assign(options, { [name]: value })
  }
  return new agent.constructor({ ...options, connect: connectIn(connectOf(agent), store) })
}

/** The agent's twin for a namespace, or home: made on first use, closed and destroyed with the agent. */
export function twinOf(agent: Dispatcher, { net }: Store): Dispatcher {
  const twins = twinsOf(agent)
  const key = net ?? HOME
  const known = twins.get(key)
  if (known !== undefined) return known
  const twin = copyFor(agent, net === undefined ? HOME : { net })
  for (const event of EVENTS) twin.on(event, (...args) => agent.emit(event, ...args))
  endTogether(agent, new WeakRef(twin))
  twins.set(key, twin)
  return twin
}

function twinsOf(agent: Dispatcher): WeakMap<Namespace | Store, Dispatcher> {
  const twins = allTwins.get(agent) ?? new WeakMap()
  allTwins.set(agent, twins)
  return twins
}
const allTwins = new WeakMap<Dispatcher, WeakMap<Namespace | Store, Dispatcher>>()

function endTogether(agent: Dispatcher, twin: WeakRef<Dispatcher>): void {
  for (const name of ['close', 'destroy'] as const) {
    const original = agent[name]
    agent[name] = function (...args) {
      // Its own caller waits for the agent; the twin's errors went to those who used it.
      twin.deref()?.[name](() => {})
      return original.apply(this, args)
    }
  }
}

function connectIn(connect: Connect, store: Store): Connect {
  if (typeof connect !== 'function') return { ...connect, [STAMP]: store }
  return (options: object, callback: unknown) => storage.run(store, () => connect(options, callback))
}

/** How a Client, Pool or Agent makes its connections: a function, or options for undici's own. */
export function connectOf(dispatcher: Dispatcher): Connect {
  return (kept(dispatcher, 'connector') ?? (kept(dispatcher, 'options') as { connect?: Connect })?.connect) as Connect
}

export function symbolOf(holder: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(holder).find((symbol) => symbol.description === description)
}

function kept(holder: object, description: string): unknown {
  const symbol = symbolOf(holder, description)
  return symbol && (holder as Record<symbol, unknown>)[symbol]
}
