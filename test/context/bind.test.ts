// ns.bind: functions, classes, pools with private state, frozen objects; every call inside, nothing leaks out unbound.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { test } from 'node:test'
import { hooksFor, needs } from '../support/needs.js'
import { PROTOCOLS, readResponse, type Service } from './support/protocols.js'
import { closeSites, home, makeSites, nextPort, placeOfSocket, type Site, spaceOf } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()
const { after, before } = hooksFor('admin')
let A: Site
before(() => {
  ;[A] = makeSites(1) as [Site]
})
after(() => closeSites([A]))

async function place(): Promise<string> {
  const server = net.createServer().listen(0)
  await once(server, 'listening')
  const found = placeOfSocket(server)
  server.close()
  return found
}

class Pool extends EventEmitter {
  static make = () => new Pool()
  static where = place
  #connections = 0
  kept = 'plain'
  readonly made = place()
  connect(): Promise<string> {
    this.#connections++
    return place()
  }
  get connections(): number {
    return this.#connections
  }
  get lazily(): Promise<string> {
    return place()
  }
  set trigger(done: (where: Promise<string>) => void) {
    done(place())
  }
  self(): this {
    return this
  }
}

test('a function, an arrow function and a class: calls and constructions are inside', needs('admin'), async () => {
  const a = spaceOf(A)
  assert.equal(await a.bind(place)(), A.place)
  assert.equal(await a.bind(() => place())(), A.place)
  const Bound = a.bind(Pool)
  const made = new Bound()
  assert.ok(made instanceof Pool && made instanceof Bound)
  assert.equal(await made.made, A.place)
  assert.equal(await Bound.where(), A.place)
  class Sub extends Bound {}
  assert.equal(await new Sub().made, A.place)
  assert.ok(new Sub() instanceof Sub)
})

test(
  'an object with private fields: methods, getters and setters are inside, its state is its own',
  needs('admin'),
  async () => {
    const pool = new Pool()
    const bound = spaceOf(A).bind(pool)
    assert.equal(await bound.connect(), A.place)
    assert.equal(await pool.connect(), home.place)
    assert.equal(bound.connections, 2)
    assert.equal(await bound.lazily, A.place)
    assert.equal(
      await new Promise((resolve) => {
        bound.trigger = resolve
      }),
      A.place,
    )
    bound.kept = 'changed'
    assert.equal(pool.kept, 'changed')
    assert.deepEqual([...Object.keys(bound)].sort(), [...Object.keys(pool)].sort())
    assert.ok('connect' in bound && Object.hasOwn(bound, 'kept'))
    assert.equal(Reflect.deleteProperty(bound, 'kept') && 'kept' in pool, false)
  },
)

test(
  'what a method returns when it returns itself is the bound one, so that chains stay inside',
  needs('admin'),
  async () => {
    const bound = spaceOf(A).bind(new Pool())
    assert.equal(await bound.self().connect(), A.place)
    assert.equal(await bound.on('x', () => {}).connect(), A.place)
    assert.equal(bound.self(), bound)
  },
)

test(
  'methods taken off the object, called later, from timers, and compared, are still the bound ones',
  needs('admin'),
  async () => {
    const bound = spaceOf(A).bind(new Pool())
    const { connect } = bound
    assert.equal(connect, bound.connect)
    assert.equal(await connect.call(bound), A.place)
    assert.equal(await new Promise((resolve) => setTimeout(() => resolve(bound.connect()), 2)), A.place)
    const { value } = Object.getOwnPropertyDescriptor(spaceOf(A).bind({ place }), 'place') as { value: typeof place }
    assert.equal(await value(), A.place)
  },
)

test('frozen objects, frozen functions and own unchangeable methods are inside as well', needs('admin'), async () => {
  const a = spaceOf(A)
  assert.equal(await a.bind(Object.freeze({ place })).place(), A.place)
  assert.equal(await a.bind(Object.freeze(() => place()))(), A.place)
  const fixed = Object.defineProperty({}, 'place', { value: place }) as { place: typeof place }
  assert.equal(await a.bind(fixed).place(), A.place)
  assert.equal(await a.bind(Object.seal(new Pool())).connect(), A.place)
})

test('a bound http.Agent puts the requests of every context inside', needs('admin'), async () => {
  const port = nextPort()
  const services: (Service | undefined)[] = []
  for (const site of [home, A]) services.push(await site.run(() => PROTOCOLS.http?.serve(port, site.name)))
  const agent = spaceOf(A).bind(new http.Agent({ keepAlive: true, maxSockets: 1 }))
  const ask = () => readResponse(http.get({ port, host: '127.0.0.1', agent }), () => {})
  try {
    assert.deepEqual(await Promise.all([ask(), ask(), A.run(ask), ask()]), ['A', 'A', 'A', 'A'])
  } finally {
    agent.destroy()
    for (const service of services) service?.close()
  }
})

test('what cannot be bound is refused', needs('admin'), () => {
  for (const wrong of [undefined, null, 1, 'x', Symbol('x')]) {
    assert.throws(() => spaceOf(A).bind(wrong as never), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})
