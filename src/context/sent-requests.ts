// The last line for undici: what it is about to send is compared with the connection it would be sent on.
import { subscribe } from 'node:diagnostics_channel'
import type net from 'node:net'
import { poolRefusal } from './refusal.js'
import { currentStore, HOME, poolKey, type Store } from './storage.js'
import { keyOfSocket } from './whose.js'

type Message = { request: object; socket: net.Socket }

/**
 * Copies of undici inside a bundle, and dispatch functions that were taken off their dispatcher before the first run(),
 * are not reached by dispatchers.ts. They all publish these two events, synchronously; a destroyed socket sends nothing.
 */
export function checkWhatUndiciSends(): void {
  const owners = new WeakMap<object, Store>()
  subscribe('undici:request:create', (message) => owners.set((message as Message).request, currentStore()))
  subscribe('undici:client:sendHeaders', (message) => {
    const { request, socket } = message as Message
    const key = keyOfSocket(socket)
    if (key === undefined || key === poolKey(owners.get(request) ?? HOME)) return
    socket.destroy(poolRefusal('A request of undici would use a connection'))
  })
}
