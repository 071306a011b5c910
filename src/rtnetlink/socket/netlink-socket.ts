// A NETLINK_ROUTE socket in any namespace. Sending runs the request inside the caller, so it is done on a pool thread.
import { AF_NETLINK, NETLINK, SOCK_NONBLOCK, SOCK_RAW, SOCKET } from '../../kernel/constants.js'
import { errnoOf, NsfdError, systemError } from '../../kernel/errors.js'
import { errno, libc, onPool } from '../../kernel/libc.js'
import { close } from '../../kernel/syscalls.js'
import { Namespace } from '../../namespace/namespace.js'
import { socketat } from '../../namespace/socketat.js'
import { malformed } from '../codec/type.js'
import { throughGate } from './gate.js'
import { type Slab, withSlab, withSlabNow } from './slab.js'

/** Asked for; without CAP_NET_ADMIN the kernel gives what net.core.rmem_max allows. */
const BUFFER = 4 * 1024 * 1024
/** struct ifreq { char ifr_name[16]; int ifr_ifindex; … } and its ioctl, <linux/sockios.h>. */
const IFREQ = { size: 40, index: 16 } as const
const SIOCGIFINDEX = 0x8933
const SOCKADDR_NL = { size: 12, groups: 8 } as const
/** nla_len has 16 bits, and a message holds few attributes that long. */
const ANSWER_MAX = 256 * 1024

// One for the process: answers are decoded before anything else runs.
let answer: Buffer | undefined

export class NetlinkSocket {
  readonly fd: number
  /** Bytes of answers the kernel will hold for us, by its own reckoning (truesize). */
  readonly receiveBuffer: number
  /** The largest message the kernel takes in one send. */
  readonly sendMax: number
  #users = 0
  #closing = false
  #closed: (() => void)[] = []

  private constructor(fd: number) {
    this.fd = fd
    this.sendMax = grow(fd, SOCKET.SO_SNDBUFFORCE, SOCKET.SO_SNDBUF) - 1024
    this.receiveBuffer = growReceiveBuffer(fd)
  }

  /** @param ns the namespace; that of the calling thread, if not given */
  static open(ns?: Namespace): NetlinkSocket {
    const fd = openNetlink(ns)
    try {
      return new NetlinkSocket(fd)
    } catch (error) {
      close(fd)
      throw error
    }
  }

  get closed(): boolean {
    return this.#closing
  }

  /**
   * The index of a link by SIOCGIFINDEX, which takes no RTNL lock and a microsecond, where asking rtnetlink takes thirty.
   * undefined for names that are not there, or longer than it takes.
   */
  indexOf(name: string): number | undefined {
    if (Buffer.byteLength(name) >= IFREQ.index) return undefined
    const request = Buffer.alloc(IFREQ.size)
    request.write(name)
    if (libc().ioctl(this.fd, SIOCGIFINDEX, request) === -1) return undefined
    return request.readInt32LE(IFREQ.index)
  }

  /** Runs the requests in `bytes`; when it returns, all of their answers but those of dumps have been queued. */
  send(bytes: Buffer): Promise<void> {
    return this.#using(() =>
      throughGate(async () => {
        const { result, errno } = await onPool('send', this.fd, bytes, bytes.length, 0)
        if (result === -1) throw systemError(errno, { syscall: 'send', asked: 'cannot send to rtnetlink', next: HELP })
      }),
    )
  }

  /** The next answer in the queue, never waiting; undefined if there is none. Valid until the next call. */
  receive(): Buffer | undefined {
    answer ??= Buffer.allocUnsafeSlow(ANSWER_MAX)
    const { MSG_DONTWAIT, MSG_TRUNC } = SOCKET
    const length = Number(libc().recv(this.fd, answer, answer.length, MSG_DONTWAIT | MSG_TRUNC))
    if (length > answer.length) throw malformed(`it has ${length} bytes, more than any answer should have`)
    if (length !== -1) return answer.subarray(0, length)
    if (errno() === errnoOf('EAGAIN')) return undefined
    throw systemError(errno(), { syscall: 'recv', asked: 'cannot receive from rtnetlink', next: HELP })
  }

  /** All answers in the queue, never waiting, many by one system call. Each is valid while `each` looks at it. */
  receiveAll(each: (answer: Buffer) => void): void {
    withSlabNow((slab) => {
      for (;;) {
        const count = libc().recvmmsg(this.fd, slab.headers, slab.count, SOCKET.MSG_DONTWAIT, null)
        for (let i = 0; i < count; i++) each(slab.view(i))
        if (count === slab.count) continue
        if (count >= 0 || errno() === errnoOf('EAGAIN')) return
        throw systemError(errno(), { syscall: 'recvmmsg', asked: 'cannot receive from rtnetlink', next: HELP })
      }
    })
  }

  /** The chunks of a dump that are ready or can be made now, a slab at a time, until `each` has seen enough. */
  receiveDump(each: (chunk: Buffer) => 'more' | 'done'): Promise<void> {
    return this.#using(() => withSlab((slab) => this.#receiveInto(slab, each)))
  }

  /** Closes it as soon as no thread of the pool uses it: a number closed too early could be another file's. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#closed.push(resolve))
    if (!this.#closing || this.#users === 0) this.#closing = true
    if (this.#users === 0) this.#release()
    return closed
  }

  async #receiveInto(slab: Slab, each: (chunk: Buffer) => 'more' | 'done'): Promise<void> {
    for (;;) {
      const { result, errno } = await throughGate(() =>
        onPool('recvmmsg', this.fd, slab.headers, slab.count, SOCKET.MSG_DONTWAIT, null),
      )
      if (result === -1) {
        throw systemError(errno, { syscall: 'recvmmsg', asked: 'cannot receive a dump from rtnetlink', next: HELP })
      }
      for (let i = 0; i < result; i++) {
        const chunk = slab.chunk(i)
        if (chunk.truncated) throw malformed('a chunk of a dump has more bytes than the kernel says it makes')
        if (each(chunk.bytes) === 'done') return
      }
    }
  }

  async #using<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new NsfdError('This Route is closed', { code: 'ERR_NSFD_CLOSED', syscall: 'netlink' })
    this.#users++
    try {
      return await work()
    } finally {
      this.#users--
      if (this.#closing && this.#users === 0) this.#release()
    }
  }

  #fdOpen = true
  #release(): void {
    if (this.#fdOpen) close(this.fd)
    this.#fdOpen = false
    for (const closed of this.#closed.splice(0)) closed()
  }
}

/**
 * A NETLINK_ROUTE descriptor, connected to the kernel: nobody else can send to it.
 * @param ns the namespace; that of the calling thread, if not given
 * @param groups multicast groups to be told about, a bit each: 1 << (RTNLGRP_… - 1)
 */
export function openNetlink(ns?: Namespace, groups = 0): number {
  using here = ns === undefined ? Namespace.current('net') : undefined
  const inside = (ns ?? here) as Namespace
  const fd = socketat(inside, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK.NETLINK_ROUTE)
  try {
    for (const name of OPTIONS) option(fd, NETLINK.SOL_NETLINK, NETLINK[name], 1)
    const address = Buffer.alloc(SOCKADDR_NL.size)
    address.writeUInt16LE(AF_NETLINK, 0)
    address.writeUInt32LE(groups, SOCKADDR_NL.groups)
    check(libc().bind(fd, address, address.length), 'bind')
    address.writeUInt32LE(0, SOCKADDR_NL.groups)
    check(libc().connect(fd, address, address.length), 'connect')
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/** Makes the receive buffer as large as we may. Returns its size as the kernel counts. */
export function growReceiveBuffer(fd: number): number {
  return grow(fd, SOCKET.SO_RCVBUFFORCE, SOCKET.SO_RCVBUF)
}

const OPTIONS = ['NETLINK_EXT_ACK', 'NETLINK_CAP_ACK', 'NETLINK_GET_STRICT_CHK'] as const

const HELP = {
  ENOBUFS: 'answers were lost because their buffer was full: ask for less at a time',
  EAGAIN: 'the kernel gave no answer where one was due',
}

function check(result: number, syscall: string): void {
  if (result === -1) throw systemError(errno(), { syscall, asked: 'cannot open an rtnetlink socket' })
}

function option(fd: number, level: number, name: number, value: number): number {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return libc().setsockopt(fd, level, name, bytes, bytes.length)
}

/** Sets a buffer's size, by force where we may, and returns what the kernel made of it (twice, for its own overhead). */
function grow(fd: number, force: number, plain: number): number {
  const { SOL_SOCKET } = SOCKET
  if (option(fd, SOL_SOCKET, force, BUFFER) === -1) option(fd, SOL_SOCKET, plain, BUFFER)
  const value = Buffer.alloc(4)
  check(libc().getsockopt(fd, SOL_SOCKET, plain, value, [4]), 'getsockopt')
  return value.readInt32LE(0)
}
