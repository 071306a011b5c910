// Node's native classes whose methods make sockets and processes. The only file that reaches into Node for them.
import { NsfdError } from '../kernel/errors.js'

type NativeMethod = (this: unknown, ...args: unknown[]) => unknown
export type NativePrototype = Record<string, NativeMethod>
export type NativeClass = { new (...args: unknown[]): NativeHandle; prototype: NativePrototype }
export type NativeHandle = {
  readonly fd: number
  readonly pid: number
  bind(address: string, port?: number, flags?: number): number
  kill(signal: number): number
  close(): void
}

export type Bindings = {
  TCP: NativeClass
  Pipe: NativeClass
  UDP: NativeClass
  Process: NativeClass
  spawnSync: Record<'spawn', NativeMethod>
  cares: Record<'getaddrinfo' | 'getnameinfo', NativeMethod>
  GetAddrInfoReqWrap: NativeClass
  GetNameInfoReqWrap: NativeClass
  ChannelWrap: NativeClass
}

/** @throws NsfdError ERR_NSFD_UNPROVEN on a Node that does not have them where every Node from 20 to 26 has. */
export function bindings(): Bindings {
  const tcp = binding('tcp_wrap')
  const pipe = binding('pipe_wrap')
  const cares = binding('cares_wrap')
  const found = {
    TCP: tcp.TCP,
    Pipe: pipe.Pipe,
    UDP: binding('udp_wrap').UDP,
    Process: binding('process_wrap').Process,
    spawnSync: binding('spawn_sync'),
    cares,
    GetAddrInfoReqWrap: cares.GetAddrInfoReqWrap,
    GetNameInfoReqWrap: cares.GetNameInfoReqWrap,
    ChannelWrap: cares.ChannelWrap,
  }
  for (const [name, value] of Object.entries(found)) if (value === undefined) throw missing(name)
  return found as unknown as Bindings
}

/** A UDP handle, as Node's dgram drives it. Methods return 0 or a libuv error; send also the bytes it sent, and one. */
export type DatagramHandle = {
  bind(address: string, port: number, flags: number): number
  bind6(address: string, port: number, flags: number): number
  connect(address: string, port: number): number
  connect6(address: string, port: number): number
  recvStart(): number
  send(request: SendRequest, list: Buffer[], count: number, hasCallback: boolean): number
  close(): void
  /** nread is a libuv error where it is negative. */
  onmessage: (nread: number, handle: unknown, bytes: Buffer | undefined) => void
}
export type SendRequest = { list: Buffer[] }

type DatagramBindings = { UDP: new () => DatagramHandle; SendWrap: new () => SendRequest }

let datagram: DatagramBindings | undefined

/** @throws NsfdError ERR_NSFD_UNPROVEN as bindings() */
export function datagramBindings(): DatagramBindings {
  if (datagram !== undefined) return datagram
  const { UDP, SendWrap } = binding('udp_wrap')
  if (UDP === undefined || SendWrap === undefined) throw missing('udp_wrap')
  datagram = { UDP, SendWrap } as DatagramBindings
  return datagram
}

function binding(name: string): Record<string, unknown> {
  try {
    return (process as unknown as { binding(name: string): Record<string, unknown> }).binding(name)
  } catch (cause) {
    throw missing(name, cause)
  }
}

/**
 * Puts another method in the place of a native one, for good.
 * @throws NsfdError ERR_NSFD_UNPROVEN where that does not take: half wrapped is not wrapped.
 */
export function replaceMethod<T extends object>(owner: T, name: keyof T & string, method: unknown): void {
  const { enumerable = true, configurable = true } = Object.getOwnPropertyDescriptor(owner, name) ?? {}
  const done = Reflect.defineProperty(owner, name, { value: method, writable: true, enumerable, configurable })
  if (!done || owner[name] !== method) throw missing(`${owner.constructor?.name ?? ''}.${name}, replaceable,`)
}

export function missing(what: string, cause?: unknown): NsfdError {
  const message = `run() cannot work on this Node (${process.version}): its native part '${what}' is not where it was on Node 20 to 26. Nothing was changed; socketat() works without it`
  return new NsfdError(message, { code: 'ERR_NSFD_UNPROVEN', cause })
}
