// http and https Agents, globalAgent among them, keep their sockets by name; the namespace becomes part of the name.
import type { ClientRequest } from 'node:http'
import { http } from './builtins.js'
import { belong, ownerOf } from './requests.js'
import { stamped, stampOf } from './stamp.js'
import { currentStore, poolKey, runIn, type Store } from './storage.js'

type Method = (this: AgentMethods, ...args: never[]) => unknown
type AgentMethods = {
  getName(options?: object): string
  addRequest(request: ClientRequest, options: object | string, port?: number, localAddress?: string): void
  createSocket(request: ClientRequest, options: object, callback: unknown): unknown
}

export function keepHttpPoolsApart(): void {
  const prototype = http.Agent.prototype as unknown as AgentMethods
  const { addRequest } = prototype
  adopt(prototype)
  prototype.addRequest = function (request, options, port, localAddress) {
    adoptSubclass(this)
    belong(request, currentStore())
    return addRequest.call(this, request, options, port, localAddress)
  }
}

/** The methods that decide where a socket is kept and made, as wrapped; a subclass may have its own. */
const WRAPPED: { [name in 'getName' | 'createSocket']: (original: Method) => Method } = {
  // https.Agent's getName builds on http.Agent's.
  getName: (original) =>
    function (options?: object) {
      const name = Reflect.apply(original, this, [options]) as string
      const suffix = suffixOf(stampOf(options) ?? currentStore())
      return name.endsWith(suffix) ? name : name + suffix
    },
  // A queued request's socket is made when some other socket closes, in that one's call tree.
  createSocket: (original) =>
    function (request: ClientRequest, options: object, callback: unknown) {
      const store = stampOf(options) ?? ownerOf(request) ?? currentStore()
      return runIn(store, () => Reflect.apply(original, this, [request, stamped(options, store), callback]))
    },
}

const ours = new WeakSet<Method>()

/** Wraps the methods of an agent's class, and of every class between it and http.Agent, that are its own. */
function adoptSubclass(agent: AgentMethods): void {
  if (ours.has(agent.getName) && ours.has(agent.createSocket)) return
  for (
    let owner: object = agent;
    owner !== http.Agent.prototype && owner !== null;
    owner = Object.getPrototypeOf(owner)
  ) {
    adopt(owner)
  }
}

function adopt(owner: object): void {
  for (const [name, wrap] of Object.entries(WRAPPED)) {
    const property = Object.getOwnPropertyDescriptor(owner, name)
    if (typeof property?.value !== 'function' || ours.has(property.value)) continue
    const wrapped = wrap(property.value)
    ours.add(wrapped)
    // One that cannot be replaced is left: its sockets are still looked at when they are handed out (requests.ts).
    Reflect.defineProperty(owner, name, { ...property, value: wrapped })
  }
}

function suffixOf(store: Store): string {
  const key = poolKey(store)
  return key === '' ? '' : `:nsfd:${key}`
}
