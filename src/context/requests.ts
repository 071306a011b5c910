// Whoever hands an HTTP request its socket, an agent of any kind, the two must belong to the same namespace.
import type { ClientRequest } from 'node:http'
import type net from 'node:net'
import { http } from './builtins.js'
import { poolRefusal } from './refusal.js'
import { currentStore, EXPLICIT, HOME, poolKey, type Store } from './storage.js'
import { keyOfSocket } from './whose.js'

type Note = { agent: unknown; owner: Store }

/** One entry a request: this is the dearest thing that run() does for one. */
const notes = new WeakMap<ClientRequest, Note>()

/** Says on whose behalf a request is made: the call tree that made it, unless an agent of a namespace takes it over. */
export function belong(request: ClientRequest, store: Store): void {
  const note = notes.get(request)
  if (note === undefined) notes.set(request, { agent: undefined, owner: store })
  else note.owner = store
}

/** A request made before nsfd looked was made at home. Undefined for what is none, as some agents of libraries have it. */
export function ownerOf(request: ClientRequest): Store | undefined {
  return notes.get(request)?.owner ?? (request instanceof http.ClientRequest ? HOME : undefined)
}

export function checkSocketsOfRequests(): void {
  noteWhoAsks()
  refuseForeignSockets()
}

/** ClientRequest's constructor, which cannot be replaced, sets `agent` first of all: there its call tree is known. */
function noteWhoAsks(): void {
  Object.defineProperty(http.ClientRequest.prototype, 'agent', {
    configurable: true,
    get(this: ClientRequest) {
      return notes.get(this)?.agent
    },
    set(this: ClientRequest, agent: unknown) {
      const note = notes.get(this)
      if (note === undefined) notes.set(this, { agent, owner: currentStore() })
      else note.agent = agent
    },
  })
}

type OnSocket = (socket: net.Socket | null | undefined, error?: Error) => void

function refuseForeignSockets(): void {
  const prototype = http.ClientRequest.prototype as unknown as { onSocket: OnSocket }
  const { onSocket } = prototype
  prototype.onSocket = function (this: ClientRequest, socket, error) {
    const owner = ownerOf(this)
    if (owner === undefined || !socket || error || owner[EXPLICIT]) return onSocket.call(this, socket, error)
    const key = keyOfSocket(socket)
    if (key === undefined || key === poolKey(owner)) return onSocket.call(this, socket, error)
    return onSocket.call(this, null, poolRefusal('The agent gave this request a connection'))
  }
}
