// Fail closed: before anything relies on it, ask the kernel whether wrapped calls of this Node really land inside.
import dgram from 'node:dgram'
import net from 'node:net'
import { NsfdError } from '../kernel/errors.js'
import { Namespace } from '../namespace/namespace.js'
import type { Bindings, NativeClass, NativeHandle } from './bindings.js'
import { HOME, storage } from './storage.js'

/**
 * Makes one socket of every class inside and one outside, and compares where the kernel says they are (SIOCGSKNS).
 * The sockets are bound to a free port, never listen, and are closed at once.
 * @throws NsfdError ERR_NSFD_UNPROVEN
 */
export function proveBrackets(bindings: Bindings, namespace: Namespace): void {
  using home = Namespace.current('net')
  for (const [name, make] of Object.entries(sockets(bindings))) {
    storage.run({ net: namespace }, () => expectLanding(name, make, namespace))
    storage.run(HOME, () => expectLanding(name, make, home))
  }
}

/** Streams by net's own way of making them, so that what is proven is what net uses; datagrams by what dgram holds. */
function sockets({ TCP, Pipe, UDP }: Bindings): Record<string, () => NativeHandle> {
  return {
    TCP: () => madeByNet(TCP, '0.0.0.0', 0, 4),
    Pipe: () => madeByNet(Pipe, `\0nsfd-proof-${process.pid}-${process.hrtime.bigint()}`, -1, -1),
    UDP: () => {
      if (classOfDatagrams() !== UDP) throw unproven('dgram uses another UDP than the one nsfd can reach')
      const handle = new UDP()
      return bound(handle, handle.bind('0.0.0.0', 0, 0))
    },
  }
}

type CreateServerHandle = (address: string, port: number, addressType: number) => NativeHandle | number

function madeByNet(Expected: NativeClass, ...address: Parameters<CreateServerHandle>): NativeHandle {
  const { _createServerHandle } = net as unknown as { _createServerHandle?: CreateServerHandle }
  if (_createServerHandle === undefined) throw unproven('net has no _createServerHandle, by which this is proven')
  const handle = _createServerHandle(...address)
  if (typeof handle === 'number') throw unproven(`binding a socket fails with libuv error ${handle}`)
  return handle instanceof Expected
    ? handle
    : bound(handle, new Error('net uses another class than the one nsfd can reach'))
}

function bound(handle: NativeHandle, error: number | Error): NativeHandle {
  if (error === 0) return handle
  handle.close()
  throw unproven(error instanceof Error ? error.message : `binding a socket fails with libuv error ${error}`)
}

/** dgram.createSocket makes its handle at once, and the handle its socket later. */
function classOfDatagrams(): unknown {
  const datagram = dgram.createSocket('udp4')
  const state = Object.getOwnPropertySymbols(datagram).find(({ description }) => description === 'state symbol')
  const held = state && (Reflect.get(datagram, state) as { handle?: object } | undefined)
  const made = held?.handle?.constructor
  datagram.close()
  return made
}

function expectLanding(name: string, make: () => NativeHandle, expected: Namespace): void {
  const handle = make()
  try {
    using actual = Namespace.ofSocket(handle.fd)
    if (!actual.equals(expected)) throw unproven(`a ${name} socket meant for ${expected} landed in ${actual}`)
  } finally {
    handle.close()
  }
}

function unproven(what: string): NsfdError {
  const message = `run() is refused on this Node (${process.version}): ${what}. A socket in the wrong namespace would be worse than none; socketat() works without this`
  return new NsfdError(message, { code: 'ERR_NSFD_UNPROVEN' })
}
