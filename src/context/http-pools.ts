// http and https Agents, globalAgent among them, keep their sockets by name; the namespace becomes part of the name.
import http from 'node:http'
import { stamped, stampOf } from './stamp.js'
import { currentStore, poolKey, storage } from './storage.js'

type AgentMethods = {
  getName(options?: object): string
  addRequest(request: unknown, options: object | string, port?: number, localAddress?: string): void
  createSocket(request: unknown, options: object, callback: unknown): unknown
}

export function keepHttpPoolsApart(): void {
  const prototype = http.Agent.prototype as unknown as AgentMethods
  const { getName, addRequest, createSocket } = prototype

  // https.Agent's getName builds on this one.
  prototype.getName = function (options) {
    const name = getName.call(this, options)
    const key = poolKey(stampOf(options) ?? currentStore())
    return key === '' ? name : `${name}:nsfd:${key}`
  }
  prototype.addRequest = function (request, options, port, localAddress) {
    const given = typeof options === 'string' ? { host: options, port, localAddress } : options
    return addRequest.call(this, request, stamped(given, currentStore()))
  }
  // A queued request's socket is made when some other socket closes, in that one's call tree.
  prototype.createSocket = function (request, options, callback) {
    const store = stampOf(options) ?? currentStore()
    return storage.run(store, () => createSocket.call(this, request, stamped(options, store), callback))
  }
}
