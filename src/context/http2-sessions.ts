// An HTTP/2 session is a connection that people keep and share: its requests are made where it was opened, or not at all.
import http2 from 'node:http2'
import { Duplex } from 'node:stream'
import { onConstruction } from './constructions.js'
import { poolRefusal } from './refusal.js'
import { currentStore, EXPLICIT, HOME, poolKey, type Store } from './storage.js'

type Session = { request(...args: unknown[]): unknown }

/** Sessions that are not here were opened before the first run(), at home. */
const owners = new WeakMap<object, Store>()

export function keepHttp2SessionsApart(): void {
  const prototype = sessionPrototype()
  const { request } = prototype
  prototype.request = function (this: Session, ...args) {
    const owner = owners.get(this) ?? HOME
    if (!owner[EXPLICIT] && poolKey(owner) !== poolKey(currentStore())) {
      throw poolRefusal('This HTTP/2 request would use a session')
    }
    return request.apply(this, args)
  }
  onConstruction((made) => {
    if (Object.getPrototypeOf(made) === prototype) owners.set(made, currentStore())
  })
}

/** ClientHttp2Session is not exported, so a session over nothing is made and dropped. */
function sessionPrototype(): Session {
  const nowhere = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const session = http2.connect('http://localhost', { createConnection: () => nowhere })
  session.on('error', () => {}) // that it ends is the intention
  session.destroy()
  return Object.getPrototypeOf(session)
}
