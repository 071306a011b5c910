// fe80::1%eth0: the name behind the % is that of an interface, looked up by number where this thread is. A socket's
// addresses are told with the names of its own namespace.
import { hasCode } from '../kernel/errors.js'
import { Namespace } from '../namespace/namespace.js'
import { visit } from '../namespace/thread.js'
import { type Bindings, type NativePrototype, replaceMethod } from './bindings.js'

type Handle = { readonly fd: number }
type Told = { address?: string }

export function tellAddressesFromInside({ TCP, UDP }: Bindings): void {
  for (const { prototype } of [TCP, UDP]) {
    for (const name of ['getsockname', 'getpeername']) tellFromInside(prototype, name)
  }
}

function tellFromInside(prototype: NativePrototype, name: string): void {
  const original = prototype[name]
  if (original === undefined) return
  replaceMethod(prototype, name, function (this: Handle, ...args: unknown[]): unknown {
    const call = () => Reflect.apply(original, this, args)
    const result = resultUnlessNamed(call, args)
    if (result !== undefined) return result
    using place = Namespace.ofSocket(this.fd)
    return visit('net', place.fd, call)
  })
}

/** Undefined if the address has a %; where home has no interface of that number, Node throws ENXIO. */
function resultUnlessNamed(call: () => unknown, [told]: unknown[]): unknown {
  try {
    const result = call()
    return (told as Told | undefined)?.address?.includes('%') === true ? undefined : result
  } catch (error) {
    if (hasCode(error, 'ENXIO')) return undefined
    throw error
  }
}
