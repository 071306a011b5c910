// Fail closed: before anything relies on it, ask the kernel whether wrapped calls of this Node really land inside.
import { NsfdError } from '../kernel/errors.js'
import { Namespace } from '../namespace/namespace.js'
import type { Bindings, NativeHandle } from './bindings.js'
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

function sockets({ TCP, Pipe, UDP, serverType }: Bindings): Record<string, () => NativeHandle> {
  const bound = (handle: NativeHandle, ...address: [string, number?, number?]) => {
    const error = handle.bind(...address)
    if (error !== 0) {
      handle.close()
      throw unproven(`binding a socket fails with libuv error ${error}`)
    }
    return handle
  }
  return {
    TCP: () => bound(new TCP(serverType.TCP), '0.0.0.0', 0),
    Pipe: () => bound(new Pipe(serverType.Pipe), `\0nsfd-proof-${process.pid}-${process.hrtime.bigint()}`),
    UDP: () => bound(new UDP(), '0.0.0.0', 0, 0),
  }
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
