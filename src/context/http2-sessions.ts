// An HTTP/2 session is a connection that people keep and share: its requests are made where it was opened, or not at all.
import { Duplex } from 'node:stream'
import { require } from '../kernel/require.js'
import { hasLoaded } from './builtins.js'
import { onConstruction } from './constructions.js'
import { poolRefusal } from './refusal.js'
import { currentStore, EXPLICIT, HOME, poolKey, type Store } from './storage.js'

type Session = { request(...args: unknown[]): unknown }

/** Sessions that are not here were opened before the first run(), at home. */
const owners = new WeakMap<object, Store>()
/** ClientHttp2Session.prototype, once its request is guarded. */
let guarded: Session | undefined
let looking = false

export function keepHttp2SessionsApart(): void {
  onConstruction((_, prototype) => {
    if (prototype.constructor?.name !== 'ClientHttp2Session') return undefined
    if (!looking) guarded ??= guardRequests()
    return (made) => {
      if (prototype === guarded) owners.set(made, currentStore())
    }
  })
  // Unless nobody can have opened any yet: then the first one to be made is soon enough, and http2 need not be loaded.
  if (hasLoaded('internal/http2/core') !== false) guarded ??= guardRequests()
}

function guardRequests(): Session {
  const prototype = sessionPrototype()
  const { request } = prototype
  prototype.request = function (this: Session, ...args) {
    const owner = owners.get(this) ?? HOME
    if (!owner[EXPLICIT] && poolKey(owner) !== poolKey(currentStore())) {
      throw poolRefusal('This HTTP/2 request would use a session')
    }
    return request.apply(this, args)
  }
  return prototype
}

/** ClientHttp2Session is not exported, so a session over nothing is made and dropped. */
function sessionPrototype(): Session {
  const { connect } = require('node:http2') as typeof import('node:http2')
  const nowhere = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  looking = true
  try {
    const session = connect('http://localhost', { createConnection: () => nowhere })
    session.on('error', () => {}) // that it ends is the intention
    session.destroy()
    return Object.getPrototypeOf(session)
  } finally {
    looking = false
  }
}
