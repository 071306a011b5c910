// A namespace with a Route in it, for one test.
import { Namespace } from 'nsfd'
import { Route } from 'nsfd/rtnetlink'

export type Place = { ns: Namespace; rt: Route } & AsyncDisposable

export function place(): Place {
  const ns = Namespace.create('net')
  const rt = Route.open(ns)
  return {
    ns,
    rt,
    async [Symbol.asyncDispose]() {
      await rt.close()
      ns.close()
    },
  }
}
