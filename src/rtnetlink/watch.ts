// Watching: what changes in a namespace, as it happens. The socket hangs in this thread's event loop; no thread waits on it.
import { Socket } from 'node:net'
import { hasCode, invalidArgument, NsfdError } from '../kernel/errors.js'
import type { Namespace } from '../namespace/namespace.js'
import { forEachMessage, type Message } from './codec/message.js'
import { type Address, dumpAddresses, readAddress } from './objects/address.js'
import { type Link, readLink } from './objects/link.js'
import { dumpLinks } from './objects/link-operations.js'
import { dumpNeighbours, type Neighbour, readNeighbour } from './objects/neighbours.js'
import { dumpNextHops, type NextHop, readNextHop } from './objects/nexthops.js'
import { dumpNsids, readNsid } from './objects/nsids.js'
import { dumpRoutes, type RouteEntry, readRoute } from './objects/routes.js'
import { dumpRules, type Rule, readRule } from './objects/rules.js'
import type { Operation } from './operation.js'
import { growReceiveBuffer, openNetlink } from './socket/netlink-socket.js'
import { RTM } from './tables/messages.js'

/** The objects that can be watched, and what an event of each carries. */
type Watched = {
  link: Link
  address: Address
  route: RouteEntry
  neighbour: Neighbour
  rule: Rule
  nexthop: NextHop
  nsid: number
}

export type WatchGroup = keyof Watched

/**
 * new: it is there now, or has changed. delete: it is gone. With `resync`, it is told again because events were lost, or
 * for the first time because `initial` asked for it.
 */
export type ObjectEvent = {
  [K in WatchGroup]: { type: K; action: 'new' | 'delete'; resync: boolean } & { [V in K]: Watched[K] }
}[WatchGroup]

export type RouteEvent =
  | ObjectEvent
  /** Events were lost: the kernel's buffer was full. All there is follows as `resync` events, and then `synced`. */
  | { type: 'overrun' }
  /** What was told since the overrun (or since the beginning, with `initial`) is all there is. */
  | { type: 'synced' }

export type WatchOptions = {
  /** What to watch: links, addresses, routes, neighbours and nsids, if not given. */
  groups?: WatchGroup[]
  /** Ends the watch: the loop throws an AbortError. */
  signal?: AbortSignal
  /** Tell all there is first, and then `synced`. */
  initial?: boolean
  /** Keep the process alive while nothing happens. */
  keepAlive?: boolean
}

type Group = {
  /** RTNLGRP_… of <linux/rtnetlink.h> */
  readonly groups: readonly number[]
  /** The message that says something is gone; that before it says it is there. */
  readonly gone: number
  readonly read: (message: Message, bytes: Buffer) => unknown
  readonly dump: () => Operation<unknown>
}

const GROUPS: { readonly [K in WatchGroup]: Group } = {
  link: { groups: [1], gone: RTM.DELLINK, read: readLink, dump: dumpLinks },
  address: { groups: [5, 9], gone: RTM.DELADDR, read: readAddress, dump: dumpAddresses },
  route: { groups: [7, 11], gone: RTM.DELROUTE, read: readRoute, dump: dumpRoutes },
  neighbour: { groups: [3], gone: RTM.DELNEIGH, read: readNeighbour, dump: dumpNeighbours },
  rule: { groups: [8, 19], gone: RTM.DELRULE, read: readRule, dump: dumpRules },
  nexthop: { groups: [32], gone: RTM.DELNEXTHOP, read: readNextHop, dump: dumpNextHops },
  nsid: { groups: [28], gone: RTM.DELNSID, read: readNsid, dump: dumpNsids },
}

const DEFAULT: WatchGroup[] = ['link', 'address', 'route', 'neighbour', 'nsid']
/** A reader this far behind stops the reading; the kernel's buffer fills, and if that is not enough: overrun. */
const BEHIND = 4096

/** What a watch needs of its Route. */
export type WatchSource = {
  namespace(): Namespace
  perform<T>(operation: Operation<T>): Promise<T[]>
}

export class Watch implements AsyncIterableIterator<RouteEvent> {
  readonly #source: WatchSource
  readonly #groups: WatchGroup[]
  readonly #keepAlive: boolean
  readonly #signal: AbortSignal | undefined
  readonly #onEnd: (watch: Watch) => void
  readonly #queue: RouteEvent[] = []
  #waiting: { resolve: (result: IteratorResult<RouteEvent>) => void; reject: (error: unknown) => void }[] = []
  #socket: Socket
  #ended = false
  #error: unknown
  /** While all there is is being listed: what happens meanwhile, to be told after it. */
  #meanwhile: RouteEvent[] | undefined

  constructor(source: WatchSource, options: WatchOptions, onEnd: (watch: Watch) => void) {
    this.#source = source
    this.#groups = checkGroups(options.groups)
    this.#keepAlive = options.keepAlive ?? false
    this.#signal = options.signal
    this.#onEnd = onEnd
    this.#signal?.throwIfAborted()
    this.#socket = this.#listen()
    this.#signal?.addEventListener('abort', this.#abort, { once: true })
    if (options.initial) void this.#tellAll()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<RouteEvent>> {
    const event = this.#queue.shift()
    if (event !== undefined) {
      if (this.#queue.length < BEHIND / 2) this.#socket.resume()
      return Promise.resolve({ done: false, value: event })
    }
    if (this.#error !== undefined) {
      const error = this.#error
      this.#error = undefined
      return Promise.reject(error)
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Ends the watch; a loop that is left does it. */
  return(): Promise<IteratorResult<RouteEvent>> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  end(error?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#socket.destroy()
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#queue.length = 0
    const [first, ...others] = this.#waiting.splice(0)
    if (error !== undefined && first !== undefined) first.reject(error)
    else {
      this.#error = error
      first?.resolve({ done: true, value: undefined })
    }
    for (const { resolve } of others) resolve({ done: true, value: undefined })
    this.#onEnd(this)
  }

  readonly #abort = () => this.end(this.#signal?.reason)

  #listen(): Socket {
    using ns = this.#source.namespace()
    const bits = this.#groups
      .flatMap((group) => GROUPS[group].groups)
      .reduce((all, group) => all | (1 << (group - 1)), 0)
    const fd = openNetlink(ns, bits >>> 0)
    growReceiveBuffer(fd)
    const socket = socketOf(fd)
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOBUFS') this.#overrun()
      else this.end(error)
    })
    if (!this.#keepAlive) socket.unref()
    return socket
  }

  #take(bytes: Buffer): void {
    try {
      forEachMessage(bytes, 0, bytes.length, (message) => {
        for (const group of this.#groups) this.#tellIf(group, message, bytes)
      })
    } catch (error) {
      // Longer than the event loop's 64 KiB buffer, so it came cut: an event is lost, and that is an overrun.
      if (hasCode(error, 'ERR_NSFD_MALFORMED')) this.#overrun()
      else this.end(error)
    }
  }

  #tellIf(group: WatchGroup, message: Message, bytes: Buffer): void {
    const { gone, read } = GROUPS[group]
    if (message.type !== gone && message.type !== gone - 1) return
    const value = read(message, bytes)
    if (value !== undefined) this.#tell(eventOf(group, message.type === gone ? 'delete' : 'new', value, false))
  }

  #tell(event: RouteEvent): void {
    if (this.#ended) return
    if (this.#meanwhile !== undefined) this.#meanwhile.push(event)
    else this.#hand(event)
  }

  #hand(event: RouteEvent): void {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) waiting.resolve({ done: false, value: event })
    else if (this.#queue.push(event) >= BEHIND) this.#socket.pause()
  }

  /** A new socket first, then the list: what changes while it is made is told after it. */
  #overrun(): void {
    if (this.#ended) return
    this.#socket.destroy()
    try {
      this.#socket = this.#listen()
    } catch (error) {
      this.end(error)
      return
    }
    this.#meanwhile = undefined
    this.#hand({ type: 'overrun' })
    void this.#tellAll()
  }

  async #tellAll(): Promise<void> {
    const meanwhile: RouteEvent[] = []
    this.#meanwhile = meanwhile
    try {
      const lists = await Promise.all(this.#groups.map((group) => this.#source.perform(GROUPS[group].dump())))
      if (this.#meanwhile !== meanwhile) return // another overrun began anew
      this.#meanwhile = undefined
      for (const [i, group] of this.#groups.entries()) {
        for (const value of lists[i] as unknown[]) this.#hand(eventOf(group, 'new', value, true))
      }
      this.#hand({ type: 'synced' })
      for (const event of meanwhile) this.#hand(event)
    } catch (error) {
      this.end(error)
    }
  }
}

function eventOf(group: WatchGroup, action: 'new' | 'delete', value: unknown, resync: boolean): RouteEvent {
  return { type: group, action, resync, [group]: value } as unknown as RouteEvent
}

function checkGroups(groups: WatchGroup[] = DEFAULT): WatchGroup[] {
  const names = Object.keys(GROUPS)
  if (Array.isArray(groups) && groups.length > 0 && groups.every((group) => names.includes(group))) return [...groups]
  throw invalidArgument('groups', `must be an array of ${names.join(', ')}`, groups)
}

type NativePipe = { open(fd: number): number; close(): void }
type PipeWrap = { Pipe: new (type: number) => NativePipe; constants: { SOCKET: number } }

/**
 * Node has no public way to hang a descriptor of netlink into its event loop. Its native Pipe takes any that can be read,
 * one datagram a read, and owns it from then on.
 */
function socketOf(fd: number): Socket {
  const { Pipe, constants } = pipeWrap()
  const handle = new Pipe(constants.SOCKET)
  const failed = handle.open(fd)
  if (failed) {
    throw new NsfdError(`This Node cannot watch a netlink socket (uv_pipe_open: ${failed})`, { code: 'ERR_NSFD_WATCH' })
  }
  return new Socket({ handle, readable: true, writable: false } as never)
}

function pipeWrap(): PipeWrap {
  return (process as unknown as { binding(name: string): PipeWrap }).binding('pipe_wrap')
}
