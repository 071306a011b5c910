// Route: rtnetlink in one namespace. Opened once, by socketat; it never needs to enter again.

import { contextNet } from '../namespace/inside.js'
import { Namespace } from '../namespace/namespace.js'
import { type Batch, type BatchOptions, type BatchResult, collect, runBatch } from './batch.js'
import type { Family } from './codec/ip.js'
import { methods } from './methods.js'
import { type Address, dumpAddresses } from './objects/address.js'
import { type BridgeVlan, dumpBridgeVlans } from './objects/bridge-vlans.js'
import type { Link } from './objects/link.js'
import { dumpLinks, getLink } from './objects/link-operations.js'
import type { LinkAdd, LinkSet } from './objects/link-options.js'
import { dumpNeighbours, type Neighbour } from './objects/neighbours.js'
import { dumpNextHops, type NextHop } from './objects/nexthops.js'
import { dumpNsids, getNsid } from './objects/nsids.js'
import { dumpClasses, dumpQdiscs, type Qdisc } from './objects/qdiscs.js'
import { dumpRoutes, getRoute, type RouteEntry } from './objects/routes.js'
import { dumpRules, type Rule } from './objects/rules.js'
import { isTun, makeTun, type TunKind, type TunOptions } from './objects/tun.js'
import { holding, type LinkRef, type Operation } from './operation.js'
import { perform } from './perform.js'
import { indexesOf, namespacesById } from './resolve.js'
import { closedError, Transport } from './transport.js'
import { type RouteEvent, Watch, type WatchOptions } from './watch.js'

/** What every list takes. */
export type ListOptions = {
  /** Gives the list up: the promise is rejected with an AbortError at once, and the Route goes on as before. */
  signal?: AbortSignal
}

export class Route implements AsyncDisposable {
  readonly #transport: Transport
  readonly #watches = new Set<Watch>()
  /** Namespaces that links({ resolve: true }) opened. */
  readonly #opened: Namespace[] = []
  readonly #methods = methods({
    made: async (operation) => {
      const made = await this.#perform(operation)
      return made.at(-1) ?? (await this.#findMade(operation))
    },
    done: async (operation) => {
      await this.#perform(operation)
    },
  })

  private constructor(ns?: Namespace) {
    this.#transport = new Transport(ns)
  }

  /**
   * Opens rtnetlink in a namespace. The Route stays there whoever uses it, and holds the namespace while it is open.
   * @param ns a net Namespace; if not given, that of the run() it is called in, or home
   * @throws EPERM if the namespace may not be entered; EMFILE
   * Source: rtnetlink(7), and socketat of the seed.
   */
  static open(ns?: Namespace): Route {
    return new Route(ns ?? contextNet())
  }

  get link() {
    const { link } = this.#methods
    return {
      ...link,
      /**
       * A new link: in this namespace, or born in another (`netns`), a veth's peer in a third (`peer.netns`).
       * @returns the link, as it is after all that was asked for
       * @throws EEXIST; ENOTSUP where the kernel has no such kind; ERR_INVALID_ARG_VALUE
       */
      add: (options: LinkAdd): Promise<Link> => (isTun(options?.kind) ? this.#addTun(options) : link.add(options)),
      /** One link by name, alternative name or index. @throws ENODEV */
      get: async (ref: LinkRef): Promise<Link> => {
        const [found] = await this.#perform(getLink(ref))
        return found as Link
      },
    }
  }

  get address() {
    return this.#methods.address
  }

  get route() {
    return {
      ...this.#methods.route,
      /** The route a packet to this address would take. */
      get: async (to: string, from?: string): Promise<RouteEntry> => {
        const [found] = await this.#perform(getRoute(to, from))
        return found as RouteEntry
      },
    }
  }

  get neighbour() {
    return this.#methods.neighbour
  }

  get bridgeVlan() {
    return this.#methods.bridgeVlan
  }

  get rule() {
    return this.#methods.rule
  }

  get nexthop() {
    return this.#methods.nexthop
  }

  get qdisc() {
    return this.#methods.qdisc
  }

  get nsid() {
    return {
      ...this.#methods.nsid,
      /** The id this namespace knows another by; undefined if it has none for it. */
      get: async (ns: Namespace): Promise<number | undefined> => {
        const [id = -1] = await this.#perform(getNsid(ns))
        return id < 0 ? undefined : id
      },
    }
  }

  /**
   * All links. (RTM_GETLINK)
   * @param options.resolve fills in `netns` of links whose `link` is elsewhere, such as veths: among the namespaces given,
   * or, if true, among home and the pins of this machine. Those it opens itself stay this Route's: clone() what you keep.
   */
  async links(options: ListOptions & { resolve?: boolean | Iterable<Namespace> } = {}): Promise<Link[]> {
    const { resolve, signal } = options
    const links = await this.#perform(dumpLinks(), signal)
    if (!resolve || !links.some(({ linkNsid = -1 }) => linkNsid >= 0)) return links
    const byId = await namespacesById((operation) => this.#perform(operation, signal), resolve, this.#opened)
    return links.map((link) => ((link.linkNsid ?? -1) < 0 ? link : link.in(byId.get(link.linkNsid as number))))
  }

  /** All addresses of both families. (RTM_GETADDR) */
  addresses({ signal }: ListOptions = {}): Promise<Address[]> {
    return this.#perform(dumpAddresses(), signal)
  }

  /** Routes: of both families and all tables, unless one is named. (RTM_GETROUTE) */
  routes(options: ListOptions & { family?: Family; table?: string | number } = {}): Promise<RouteEntry[]> {
    return this.#perform(dumpRoutes(options.family, options.table), options.signal)
  }

  /** Neighbours of both families; 'bridge' for forwarding entries. (RTM_GETNEIGH) */
  neighbours(options: ListOptions & { family?: Family | 'bridge' } = {}): Promise<Neighbour[]> {
    return this.#perform(dumpNeighbours(options.family), options.signal)
  }

  /** VLANs of the ports of bridges, and of the bridges, those that follow each other as one. (RTM_GETLINK of AF_BRIDGE) */
  async bridgeVlans({ signal }: ListOptions = {}): Promise<BridgeVlan[]> {
    return (await this.#perform(dumpBridgeVlans(), signal)).flat()
  }

  /** Rules of both families. (RTM_GETRULE) */
  rules(options: ListOptions & { family?: Family } = {}): Promise<Rule[]> {
    return this.#perform(dumpRules(options.family), options.signal)
  }

  /** Next hop objects. (RTM_GETNEXTHOP) */
  nexthops({ signal }: ListOptions = {}): Promise<NextHop[]> {
    return this.#perform(dumpNextHops(), signal)
  }

  /** Queueing disciplines. (RTM_GETQDISC) */
  qdiscs({ signal }: ListOptions = {}): Promise<Qdisc[]> {
    return this.#perform(dumpQdiscs(), signal)
  }

  /** Classes of the queueing disciplines of one link. (RTM_GETTCLASS) @throws ENODEV */
  classes(dev: LinkRef, { signal }: ListOptions = {}): Promise<Qdisc[]> {
    return this.#perform(dumpClasses(dev), signal)
  }

  /** The ids by which this namespace knows others. (RTM_GETNSID) */
  nsids({ signal }: ListOptions = {}): Promise<number[]> {
    return this.#perform(dumpNsids(), signal)
  }

  /**
   * Many operations in few sends: each as Route has it, noted down by `build` and done together. A link that one makes can
   * be used by those after it.
   * @returns what became of each; with { atomic: true } it throws a BatchError instead if any failed, and all is undone
   * @throws ERR_NSFD_CANNOT_UNDO if atomic and one could not be undone; ERR_INVALID_ARG_VALUE before anything is sent
   */
  async batch(build: (b: Batch) => void, options: BatchOptions = {}): Promise<BatchResult> {
    if (this.closed) throw closedError()
    const operations = collect(build)
    return holding(operations, () => runBatch(this.#transport, operations, options))
  }

  /**
   * What changes here from now on. No event is lost without a word: after an `overrun` all there is is told anew.
   * It ends when the loop is left, by its signal, or with the Route. It does not keep the process alive unless asked.
   * Anyone with CAP_NET_ADMIN over the namespace can make these events.
   */
  watch(options: WatchOptions = {}): AsyncIterableIterator<RouteEvent> {
    if (this.closed) throw closedError()
    const source = {
      namespace: () => Namespace.ofSocket(this.#transport.fd),
      perform: <T>(operation: Operation<T>) => this.#perform(operation),
    }
    const watch = new Watch(source, options, (ended) => this.#watches.delete(ended))
    this.#watches.add(watch)
    return watch
  }

  get closed(): boolean {
    return this.#transport.closed
  }

  /** Closes it, once what is under way is done; requests not yet sent fail with ERR_NSFD_CLOSED. Watches end. */
  async close(): Promise<void> {
    for (const watch of this.#watches) watch.end()
    for (const ns of this.#opened.splice(0)) ns.close()
    await this.#transport.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #perform<T>(operation: Operation<T>, signal?: AbortSignal): Promise<T[]> {
    return holding([operation], async () => {
      const indexOf = await indexesOf(this.#transport, operation.needs)
      return perform(this.#transport, operation, indexOf, { signal })
    })
  }

  async #addTun({ kind, name, data, netns, ...settings }: LinkAdd): Promise<Link> {
    using here = Namespace.ofSocket(this.#transport.fd)
    using ofProcess =
      netns === undefined || netns instanceof Namespace ? undefined : Namespace.ofProcess(netns.pid, 'net')
    const there = ofProcess ?? (netns as Namespace | undefined)
    const made = await makeTun(there ?? here, kind as TunKind, name, (data ?? {}) as TunOptions)
    await using elsewhere = there === undefined ? undefined : Route.open(there)
    const route = elsewhere ?? this
    try {
      if (Object.keys(settings).length > 0) await route.link.set(made, settings as LinkSet)
    } catch (error) {
      await route.link.delete(made)
      throw error
    }
    return await route.link.get(made)
  }

  /** The kernel sends back what it made (Linux 6.2), but not what was born elsewhere: that is found by its name. */
  async #findMade({ madeAs }: Operation<Link>): Promise<Link> {
    if (madeAs?.netns === undefined) {
      const [link] = await this.#perform(getLink(madeAs?.name ?? ''))
      return link as Link
    }
    const { netns, name } = madeAs
    using opened = netns instanceof Namespace ? undefined : Namespace.ofProcess(netns.pid, 'net')
    await using there = Route.open(opened ?? (netns as Namespace))
    return await there.link.get(name)
  }
}
