// The methods a Route and a batch share: link.add, route.delete, …. Each makes an operation and hands it to whoever performs
// it: a Route at once, a batch with all the others.
import type { Namespace } from '../namespace/namespace.js'
import { type AddressAdd, addAddress, deleteAddress } from './objects/address.js'
import { addBridgeVlan, type BridgeVlanAdd, type BridgeVlanDelete, deleteBridgeVlan } from './objects/bridge-vlans.js'
import type { Link } from './objects/link.js'
import { addLink, changeAltName, deleteLink, setLink } from './objects/link-operations.js'
import type { LinkAdd, LinkSet } from './objects/link-options.js'
import { addNeighbour, deleteNeighbour, type NeighbourAdd } from './objects/neighbours.js'
import { addNextHop, deleteNextHop, type NextHopAdd } from './objects/nexthops.js'
import { setNsid } from './objects/nsids.js'
import { addClass, addQdisc, deleteClass, deleteQdisc, type QdiscAdd } from './objects/qdiscs.js'
import { addRoute, deleteRoute, type RouteAdd } from './objects/routes.js'
import { addRule, deleteRule, type RuleAdd } from './objects/rules.js'
import type { LinkRef, Operation } from './operation.js'

/** What a method returns: a promise from a Route, nothing from a batch. */
export type Perform<Made, Done> = { made(operation: Operation<Link>): Made; done(operation: Operation): Done }

export function methods<Made, Done>({ made, done }: Perform<Made, Done>) {
  return {
    /** Links. ip-link(8). */
    link: {
      /**
       * A new link: in this namespace, or born in another (`netns`), a veth's peer in a third (`peer.netns`).
       * @throws EEXIST, EOPNOTSUPP where the kernel has no such kind, ERR_INVALID_ARG_VALUE
       */
      add: (options: LinkAdd) => made(addLink(options)),
      /** Changes a link, or moves it to another namespace: that takes 20 ms; to be born there, half of one. */
      set: (link: LinkRef, options: LinkSet) => done(setLink(link, options)),
      /** Deletes a link, or all of a group by one request: 20 ms in all, where one by one takes 20 ms each. */
      delete: (link: LinkRef | { group: number }) => done(deleteLink(link)),
      /** Another name for it, of up to 127 bytes. */
      addName: (link: LinkRef, name: string) => done(changeAltName('NEWLINKPROP', link, name)),
      deleteName: (link: LinkRef, name: string) => done(changeAltName('DELLINKPROP', link, name)),
    },
    /** VLANs of a bridge's ports. bridge(8), vlan. The bridge filters by them if its data.vlanFiltering is true. */
    bridgeVlan: {
      /** One or a range. One that is there takes on what is asked for. @throws ENOTSUP on a link that is no port */
      add: (options: BridgeVlanAdd) => done(addBridgeVlan(options)),
      /** What is not there is no error. */
      delete: (options: BridgeVlanDelete) => done(deleteBridgeVlan(options)),
    },
    /** Addresses. ip-address(8). */
    address: {
      add: (options: AddressAdd) => done(addAddress(options)),
      replace: (options: AddressAdd) => done(addAddress(options, true)),
      delete: (options: AddressAdd) => done(deleteAddress(options)),
    },
    /** Routes. ip-route(8). */
    route: {
      add: (options: RouteAdd) => done(addRoute(options)),
      replace: (options: RouteAdd) => done(addRoute(options, 'replace')),
      append: (options: RouteAdd) => done(addRoute(options, 'append')),
      delete: (options: RouteAdd) => done(deleteRoute(options)),
    },
    /** Neighbours and forwarding entries. ip-neighbour(8), bridge(8). */
    neighbour: {
      add: (options: NeighbourAdd) => done(addNeighbour(options)),
      replace: (options: NeighbourAdd) => done(addNeighbour(options, true)),
      delete: (options: NeighbourAdd) => done(deleteNeighbour(options)),
    },
    /** Rules of policy routing. ip-rule(8). */
    rule: {
      add: (options: RuleAdd) => done(addRule(options)),
      delete: (options: RuleAdd) => done(deleteRule(options)),
    },
    /** Next hops as objects. ip-nexthop(8). */
    nexthop: {
      add: (options: NextHopAdd) => done(addNextHop(options)),
      replace: (options: NextHopAdd) => done(addNextHop(options, true)),
      delete: (id: number) => done(deleteNextHop(id)),
    },
    /** Queueing disciplines and their classes. tc(8). */
    qdisc: {
      add: (options: QdiscAdd) => done(addQdisc(options)),
      replace: (options: QdiscAdd) => done(addQdisc(options, true)),
      delete: (options: { dev: LinkRef; parent?: string; handle?: string }) => done(deleteQdisc(options)),
      /** A class of htb. */
      addClass: (options: QdiscAdd & { handle: string }) => done(addClass(options)),
      deleteClass: (options: { dev: LinkRef; handle: string }) => done(deleteClass(options)),
    },
    /** Ids by which this namespace knows others. ip-netns(8), set. */
    nsid: {
      /** @param id a number from 0; the kernel's choice, if not given */
      set: (ns: Namespace, id?: number) => done(setNsid(ns, id)),
    },
  }
}

export type Methods<Made, Done> = ReturnType<typeof methods<Made, Done>>
