// Namespace: a descriptor that names one namespace and keeps it alive. The heart of the seed.
import type http from 'node:http'
import { inspect } from 'node:util'
import { NSFS } from '../kernel/constants.js'
import { invalidArgument, NsfdError } from '../kernel/errors.js'
import { close, duplicate, ioctl, setCloseOnExec } from '../kernel/syscalls.js'
import { createNamespace } from './create.js'
import { handleOf, openHandle } from './handle.js'
import { idOf, kernelIdOf, kindOf, type NamespaceId, wrongKind } from './identity.js'
import { type AgentOptions, type Connector, inside, type Lookup } from './inside.js'
import { checkKind, type Kind } from './kinds.js'
import { checkPinName, pinPath } from './names.js'
import { openOfProcess, openOfSocket, openPath } from './open.js'
import { listPins, type Pin, type PinInfo, pin, unpin } from './pin.js'

const PRIVATE = Symbol('Namespace is made by its static methods')

/**
 * One namespace, held open by a descriptor (O_CLOEXEC). Close it when done: `using`, or close().
 * Source: namespaces(7), ioctl_nsfs(2), and the seed, "Namespace file descriptors", 2010.
 */
export class Namespace implements Disposable {
  readonly kind: Kind
  /** (dev, ino) of the namespace: what lsns(8) and readlink /proc/<pid>/ns/<kind> show. */
  readonly id: NamespaceId
  /** A number no other namespace will have until reboot (NS_GET_ID); undefined before Linux 6.18. */
  readonly kernelId: bigint | undefined
  /** The pin it was opened by, if it was: `ip netns` keeps /etc/netns/<name> for it. */
  readonly name: string | undefined
  #rootFd: number | undefined
  #fd: number
  #closed = false
  #users = 0
  #connector: Connector | undefined
  #lookup: Lookup | undefined

  /** @internal */
  constructor(secret: symbol, fd: number, kind: Kind, name?: string, rootFd?: number) {
    if (secret !== PRIVATE) throw new TypeError(`${PRIVATE.description}: Namespace.named(), Namespace.create(), …`)
    this.#fd = fd
    this.kind = kind
    this.id = idOf(fd)
    this.kernelId = kernelIdOf(fd)
    this.name = name
    this.#rootFd = rootFd
  }

  /** The namespace the calling thread is in. (/proc/thread-self/ns/<kind>) */
  static current(kind: Kind): Namespace {
    return adopt(openPath(`/proc/thread-self/ns/${checkKind(kind)}`), kind)
  }

  /**
   * The namespace of a process. A pid that is recycled meanwhile cannot be opened by mistake (pidfd_open(2)).
   * @throws ESRCH if no such process, or a zombie; EPERM if it may not be looked at (ptrace access).
   */
  static ofProcess(pid: number, kind: Kind): Namespace {
    const { fd, rootFd } = openOfProcess(pid, checkKind(kind))
    return adopt(fd, kind, undefined, rootFd)
  }

  /**
   * A pinned namespace: /run/netns/<name> as `ip netns` keeps them, /run/<kind>ns/<name> for the other kinds.
   * @throws ENOENT if there is no such pin; ERR_INVALID_ARG_VALUE if that can be no pin's name.
   */
  static named(name: string, kind: Kind = 'net'): Namespace {
    return adopt(openPath(pinPath(name, checkKind(kind))), kind, name)
  }

  /** Any nsfs file: /proc/<pid>/ns/<kind>, a pin, a bind mount elsewhere. @throws ERR_NSFD_NOT_A_NAMESPACE */
  static open(path: string): Namespace {
    return adopt(openPath(path))
  }

  /**
   * Takes over a descriptor that was received, from SCM_RIGHTS for example: close() closes it.
   * @throws EBADF, ERR_NSFD_NOT_A_NAMESPACE; the descriptor then stays the caller's.
   */
  static fromFd(fd: number): Namespace {
    const kind = kindOf(checkFd(fd))
    setCloseOnExec(fd)
    return new Namespace(PRIVATE, fd, kind)
  }

  /** The network namespace a socket lives in (SIOCGSKNS). @param fd the socket's descriptor; it stays the caller's. */
  static ofSocket(fd: number): Namespace {
    return adopt(openOfSocket(fd), 'net')
  }

  /** Reopens what handle() described. @throws ESTALE if it does not live any more, EOPNOTSUPP before Linux 6.18. */
  static fromHandle(handle: string): Namespace {
    return adopt(openHandle(handle))
  }

  /**
   * A new namespace, held by nothing but this object. The calling thread ends where it began.
   * mnt and time are made by a thread of their own (20 ms), user by unshare(1).
   * @throws EPERM without CAP_SYS_ADMIN (user needs none); ERR_NSFD_NEEDS_INIT for pid, which cannot exist alone.
   */
  static create(kind: Kind): Namespace {
    return adopt(createNamespace(kind), kind)
  }

  /** The pins on this machine, or those of one kind. */
  static list(kind?: Kind): PinInfo[] {
    return listPins(kind)
  }

  /** Removes a pin; the namespace lives on while anything else holds it. @throws ENOENT if there is none. */
  static unpin(name: string, kind: Kind = 'net'): void {
    unpin(name, kind)
  }

  /** The descriptor. It stays this object's: do not close it. @throws ERR_NSFD_CLOSED */
  get fd(): number {
    if (this.#closed) throw this.#closedError()
    return this.#fd
  }

  /**
   * A descriptor of the root directory (O_PATH) of the process it was opened through, if that has a mount namespace of
   * its own: its /etc answers names. Undefined otherwise, and once closed.
   * @internal
   */
  get rootFd(): number | undefined {
    return this.#closed ? undefined : this.#rootFd
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Whether both stand for the same namespace, however they were opened. */
  equals(other: Namespace): boolean {
    if (!(other instanceof Namespace)) return false
    if (this.kernelId !== undefined && other.kernelId !== undefined) return this.kernelId === other.kernelId
    return this.id.ino === other.id.ino && this.id.dev === other.id.dev
  }

  /** The user namespace that owns it (NS_GET_USERNS). @throws EPERM if that is outside of the caller's own. */
  owner(): Namespace {
    return adopt(this.#relative(NSFS.NS_GET_USERNS, 'owner', 'it is outside of your own user namespace'), 'user')
  }

  /** The parent of a pid or user namespace (NS_GET_PARENT). @throws EPERM for the outermost; EINVAL for other kinds. */
  parent(): Namespace {
    if (this.kind !== 'pid' && this.kind !== 'user') {
      throw new NsfdError(`EINVAL: ${this} has no parent: only pid and user namespaces form a hierarchy`, {
        code: 'EINVAL',
        kind: this.kind,
      })
    }
    return adopt(this.#relative(NSFS.NS_GET_PARENT, 'parent', 'it has none that you can see'), this.kind)
  }

  /** The uid that created the user namespace, or for other kinds their owner (NS_GET_OWNER_UID), as seen from here. */
  ownerUid(): number {
    if (this.kind !== 'user') {
      using owner = this.owner()
      return owner.ownerUid()
    }
    const uid = Buffer.alloc(4)
    ioctl(this.fd, NSFS.NS_GET_OWNER_UID, uid, { kind: this.kind, asked: `cannot tell who owns ${this}` })
    return uid.readUInt32LE(0)
  }

  /** Gives it a name that outlives this process. One of two racing callers gets EEXIST. @throws EEXIST, EPERM */
  pin(name: string): Pin {
    const { kind } = this
    const path = pin(this.fd, kind, checkPinName(name))
    const remove = () => unpin(name, kind)
    return { name, kind, path, unpin: remove, [Symbol.dispose]: remove }
  }

  /** A string that refers to it and holds nothing: see fromHandle. @throws EOPNOTSUPP before Linux 6.18 */
  handle(): string {
    return handleOf(this.fd)
  }

  /** A second object with a descriptor of its own. */
  clone(): Namespace {
    const context = { kind: this.kind, asked: `cannot duplicate ${this}` }
    const fd = duplicate(this.fd, context)
    return adopt(fd, this.kind, this.name, this.#rootFd === undefined ? undefined : duplicate(this.#rootFd, context))
  }

  /**
   * Calls fn with the calling thread inside, and returns what it returns. Kinds: net, uts, ipc, cgroup, pid (children).
   * @throws TypeError if fn returns a promise: the thread is home again before that settles; use run().
   */
  runSync<T>(fn: () => T): T {
    return inside().runSync(this, fn)
  }

  /**
   * Calls fn, and everything asynchronous that follows from it, with this namespace as its context: sockets that Node
   * makes there, and processes it starts, are made inside. Other work goes on at home meanwhile.
   */
  run<T>(fn: () => T): T {
    return inside().run(this, fn)
  }

  /** x, with every call of it, or of its methods, made inside run(). For pools that connect when they please. */
  bind<T extends object>(x: T): T {
    return inside().bind(this, x)
  }

  /**
   * For undici, whoever calls it: `new Agent({ connect: ns.connector })` makes its connections in this namespace.
   * @throws ERR_NSFD_CLOSED, EPERM
   */
  get connector(): Connector {
    this.#connector ??= inside().connector(this)
    return this.#connector
  }

  /**
   * An Agent for http.request, or with protocol 'https:' for https.request, whose sockets are always in this namespace.
   * @throws ERR_NSFD_CLOSED, EPERM
   */
  agent(options?: AgentOptions): http.Agent {
    return inside().agent(this, options)
  }

  /** dns.lookup(hostname, options, callback) as it answers inside: for the `lookup` option of net, http, dgram. */
  get lookup(): Lookup {
    this.#lookup ??= inside().lookup(this)
    return this.#lookup
  }

  /** Gives the descriptor back. Contexts that still use it fail with EBADF from then on, never at home. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#users === 0) this.#release()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Keeps the descriptor open, even if close() is called, until done() as often: while a thread stands on it.
   * @internal
   */
  use(): number {
    const { fd } = this
    this.#users++
    return fd
  }

  /** @internal */
  done(): void {
    this.#users--
    if (this.#closed && this.#users === 0) this.#release()
  }

  /** The kernel's own form: net:[4026532177] */
  toString(): string {
    return `${this.kind}:[${this.id.ino}]`
  }

  [inspect.custom](): string {
    return `Namespace { ${this}${this.name === undefined ? '' : ` '${this.name}'`}${this.#closed ? ', closed' : ''} }`
  }

  #release(): void {
    const fd = this.#fd
    this.#fd = -1
    close(fd)
    if (this.#rootFd !== undefined) close(this.#rootFd)
    this.#rootFd = undefined
  }

  #relative(request: number, what: string, whyNot: string): number {
    return ioctl(this.fd, request, null, {
      kind: this.kind,
      asked: `cannot open the ${what} of ${this}`,
      next: { EPERM: whyNot },
    })
  }

  #closedError(): NsfdError {
    return new NsfdError(`${this} is closed`, { code: 'ERR_NSFD_CLOSED', kind: this.kind })
  }
}

/** Wraps a descriptor that is ours, or closes it if it is not of the expected kind. */
function adopt(fd: number, expected?: Kind, name?: string, rootFd?: number): Namespace {
  try {
    const kind = kindOf(fd)
    if (expected !== undefined && kind !== expected) {
      throw wrongKind(name === undefined ? `the ${expected} file` : `the pin '${name}'`, expected, kind)
    }
    return new Namespace(PRIVATE, fd, kind, name, rootFd)
  } catch (error) {
    close(fd)
    if (rootFd !== undefined) close(rootFd)
    throw error
  }
}

function checkFd(fd: unknown): number {
  if (typeof fd === 'number' && Number.isInteger(fd) && fd >= 0 && fd <= 0x7fffffff) return fd
  throw invalidArgument('fd', 'must be a descriptor, a whole number from 0', fd)
}
