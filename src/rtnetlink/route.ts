// Route: rtnetlink in one namespace. Opened once, by socketat; it never needs to enter again.
import type { Namespace } from '../namespace/namespace.js'
import type { Family } from './codec/ip.js'
import { methods } from './methods.js'
import { type Address, dumpAddresses } from './objects/address.js'
import type { Link } from './objects/link.js'
import { dumpLinks, getLink } from './objects/link-operations.js'
import { dumpNeighbours, type Neighbour } from './objects/neighbours.js'
import { dumpNextHops, type NextHop } from './objects/nexthops.js'
import { dumpNsids, getNsid } from './objects/nsids.js'
import { dumpRoutes, getRoute, type RouteEntry } from './objects/routes.js'
import { dumpRules, type Rule } from './objects/rules.js'
import type { LinkRef, Operation } from './operation.js'
import { perform } from './perform.js'
import { indexesOf } from './resolve.js'
import { Transport } from './transport.js'

export class Route implements AsyncDisposable {
  readonly #transport: Transport
  readonly #methods = methods({
    made: async (operation) => {
      const made = await this.#perform(operation)
      return made.at(-1)
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
   * @param ns a net Namespace; that of the calling thread, if not given
   * @throws EPERM if the namespace may not be entered; EMFILE
   * Source: rtnetlink(7), and socketat of the seed.
   */
  static open(ns?: Namespace): Route {
    return new Route(ns)
  }

  get link() {
    const { link } = this.#methods
    return {
      ...link,
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

  get rule() {
    return this.#methods.rule
  }

  get nexthop() {
    return this.#methods.nexthop
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

  /** All links. (RTM_GETLINK) */
  links(): Promise<Link[]> {
    return this.#perform(dumpLinks())
  }

  /** All addresses of both families. (RTM_GETADDR) */
  addresses(): Promise<Address[]> {
    return this.#perform(dumpAddresses())
  }

  /** Routes: of both families and all tables, unless one is named. (RTM_GETROUTE) */
  routes(options: { family?: Family; table?: string | number } = {}): Promise<RouteEntry[]> {
    return this.#perform(dumpRoutes(options.family, options.table))
  }

  /** Neighbours of both families; 'bridge' for forwarding entries. (RTM_GETNEIGH) */
  neighbours(options: { family?: Family | 'bridge' } = {}): Promise<Neighbour[]> {
    return this.#perform(dumpNeighbours(options.family))
  }

  /** Rules of both families. (RTM_GETRULE) */
  rules(options: { family?: Family } = {}): Promise<Rule[]> {
    return this.#perform(dumpRules(options.family))
  }

  /** Next hop objects. (RTM_GETNEXTHOP) */
  nexthops(): Promise<NextHop[]> {
    return this.#perform(dumpNextHops())
  }

  /** The ids by which this namespace knows others. (RTM_GETNSID) */
  nsids(): Promise<number[]> {
    return this.#perform(dumpNsids())
  }

  get closed(): boolean {
    return this.#transport.closed
  }

  /** Closes it, once what is under way is done; requests not yet sent fail with ERR_NSFD_CLOSED. */
  close(): Promise<void> {
    return this.#transport.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #perform<T>(operation: Operation<T>): Promise<T[]> {
    const indexOf = await indexesOf(this.#transport, operation.needs)
    return perform(this.#transport, operation, indexOf)
  }
}
