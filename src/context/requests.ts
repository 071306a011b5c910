// Whoever hands an HTTP request its socket, an agent of any kind, the two must belong to the same namespace.
import type { ClientRequest } from 'node:http'
import type net from 'node:net'
import { http } from './builtins.js'
import { poolRefusal } from './refusal.js'
import { currentStore, EXPLICIT, poolKey, type Store } from './storage.js'
import { keyOfSocket } from './whose.js'

const owners = new WeakMap<ClientRequest, Store>()

/** Says on whose behalf a request is made: the call tree that made it, unless an agent of a namespace takes it over. */
export function belong(request: ClientRequest, store: Store): void {
  owners.set(request, store)
}

export function checkSocketsOfRequests(): void {
  noteWhoAsks()
  refuseForeignSockets()
}

/** ClientRequest's constructor, which cannot be replaced, sets `agent` first of all: there its call tree is known. */
function noteWhoAsks(): void {
  const agents = new WeakMap<ClientRequest, unknown>()
  Object.defineProperty(http.ClientRequest.prototype, 'agent', {
    configurable: true,
    get(this: ClientRequest) {
      return agents.get(this)
    },
    set(this: ClientRequest, agent: unknown) {
      agents.set(this, agent)
      if (!owners.has(this)) owners.set(this, currentStore())
    },
  })
}

type OnSocket = (socket: net.Socket | null | undefined, error?: Error) => void

function refuseForeignSockets(): void {
  const prototype = http.ClientRequest.prototype as unknown as { onSocket: OnSocket }
  const { onSocket } = prototype
  prototype.onSocket = function (this: ClientRequest, socket, error) {
    const owner = owners.get(this)
    if (owner === undefined || !socket || error || owner[EXPLICIT]) return onSocket.call(this, socket, error)
    const key = keyOfSocket(socket)
    if (key === undefined || key === poolKey(owner)) return onSocket.call(this, socket, error)
    return onSocket.call(this, null, poolRefusal('The agent gave this request a connection'))
  }
}
