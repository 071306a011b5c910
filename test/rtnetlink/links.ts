// A namespace with a Route in it, for one test.
import { accessSync, constants } from 'node:fs'
import { Namespace } from 'nsfd'
import { Route } from 'nsfd/rtnetlink'
import { hasCode } from '#dist/kernel/errors.js'

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

/** Whether tun and tap links can be made: /dev/net/tun is root's alone on some machines. */
export function hasTun(): boolean {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
    return true
  } catch (error) {
    if (hasCode(error, 'EACCES', 'ENOENT', 'EPERM')) return false
    throw error
  }
}
