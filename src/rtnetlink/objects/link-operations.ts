// Requests about links. What they take is in link-options.ts, what they answer in link.ts.
import { invalidArgument } from '../../kernel/errors.js'
import { NLM_F } from '../codec/message.js'
import {
  checkAltName,
  checkRef,
  type IndexOf,
  type LinkRef,
  type Operation,
  show,
  type UndoFrom,
} from '../operation.js'
import { type Request, request } from '../request.js'
import { type LinkAttributes, RTEXT_FILTER } from '../tables/link.js'
import { SHAPES } from '../tables/messages.js'
import { type Link, readLink } from './link.js'
import {
  asOfNow,
  changedInfo,
  flagBits,
  heldNamespaces,
  type LinkAdd,
  type LinkSet,
  linkAttributes,
  linkInfo,
  neededRefs,
  type PeerSettings,
} from './link-options.js'
import { isTun, tunNotInBatch } from './tun.js'

const shape = SHAPES.link
/** What a link as an answer costs in the receive buffer. */
const LINK_CHARGE = 8192

/** RTM_NEWLINK with NLM_F_CREATE. NLM_F_ECHO has the kernel send the new link back (Linux 6.2). */
export function addLink(given: LinkAdd): Operation<Link> {
  const options = asOfNow(given)
  const { kind, name } = checkOptions(options)
  if (isTun(kind)) throw tunNotInBatch(kind)
  const what = name === undefined ? `a link of kind ${kind}` : `the ${kind} link '${name}'`
  const asked = `add ${what}`
  const build = options.peer?.up ? buildWithPeerUp : buildOne
  return {
    asked,
    needs: neededRefs(options),
    touches: named(name, options.peer?.netns === undefined ? options.peer?.name : undefined),
    build: (indexOf, tell = true) => build(options, indexOf, asked, tell),
    read: readLink,
    holds: heldNamespaces(given, given.peer),
    madeAs: name === undefined ? undefined : { name, netns: given.netns },
    undo: name === undefined || options.netns !== undefined ? undefined : deleteLink(name),
  }
}

function buildOne(options: LinkAdd, indexOf: IndexOf, asked: string, tell: boolean): Request {
  const { kind } = options
  return request({
    type: 'NEWLINK',
    flags: NLM_F.CREATE | NLM_F.EXCL | (tell ? NLM_F.ECHO : 0),
    shape,
    header: { ...flagBits(options), ...(options.index === undefined ? {} : { ifi_index: options.index }) },
    attributes: {
      ...linkAttributes(kind === 'vxlan' ? { ...options, link: undefined } : options, { indexOf }, 'link'),
      ...linkInfo(options, { indexOf }),
    },
    asked,
    answers: tell ? LINK_CHARGE : 0,
    next: {
      ENOTSUP: `this kernel has no module for links of kind '${kind}'`,
      EEXIST: 'there is a link of that name or index already; a veth has two names',
      ENODEV: 'the link it should sit on is not there',
    },
  })
}

/**
 * The kernel cannot set a veth's peer up in the request that makes it (veth_open() finds no peer yet), only the link
 * itself. So the far end is made as the link and the near end as its peer, and what a peer cannot be told follows in the
 * same send. That needs no socket in the far namespace.
 */
function buildWithPeerUp(options: LinkAdd, indexOf: IndexOf, asked: string, tell: boolean): Request[] {
  const {
    kind,
    peer = {},
    up,
    master,
    name,
    netns,
    ...near
  } = options as LinkAdd & { name: string; peer: PeerSettings }
  if (name === undefined) throw invalidArgument('name', 'must be given where peer.up is', name)
  if (netns !== undefined) {
    throw invalidArgument('netns', 'must be left out where peer.up is: open a Route in that namespace', netns)
  }
  const swapped = { ...peer, kind, peer: { ...near, name } } as LinkAdd
  const requests = [buildOne(swapped, indexOf, asked, false)]
  const rest = { ...(up === undefined ? {} : { up }), ...(master === undefined ? {} : { master }) }
  if (Object.keys(rest).length > 0) requests.push(setLink(name, rest).build(indexOf) as Request)
  if (tell) requests.push(getLink(name).build(indexOf) as Request)
  return requests
}

/** RTM_NEWLINK without NLM_F_CREATE: settings, and what the kind or being a port adds. */
export function setLink(ref: LinkRef, given: LinkSet): Operation {
  checkRef(ref)
  const options = asOfNow(given)
  // A new name and an old one cannot both be IFLA_IFNAME: renaming goes by index.
  const byIndex = typeof ref === 'number' || options.name !== undefined
  const asked = `change the link ${show(ref)}`
  flagBits(options)
  linkAttributes(options, { indexOf: () => 1 }, 'link')
  changedInfo(options)
  return {
    asked,
    needs: byIndex ? [ref, ...neededRefs(options)] : neededRefs(options),
    touches: options.name !== undefined || options.netns !== undefined ? named(ref, options.name) : [],
    build: (indexOf) =>
      request({
        type: 'NEWLINK',
        shape,
        header: { ...flagBits(options), ...(byIndex ? { ifi_index: indexOf(ref) } : {}) },
        attributes: {
          ...(byIndex ? {} : nameAttribute(ref as string)),
          ...linkAttributes(options, { indexOf }, 'link'),
          ...changedInfo(options),
        },
        asked,
        next: {
          EEXIST: 'there is a link of that name already, here or where it should go',
          EBUSY: 'it must be set down for that (up: false)',
        },
      }),
    holds: heldNamespaces(given),
    undoFrom: isUndoable(options) ? undoFrom(ref, options) : undefined,
  }
}

/** How to read from a link what an option would set. Options that are not here cannot be undone. */
const STATE: Readonly<Record<string, (before: Link) => unknown>> = {
  name: (before) => before.name,
  up: (before) => before.up,
  mtu: (before) => before.mtu,
  mac: (before) => before.mac,
  broadcast: (before) => before.broadcast,
  alias: (before) => before.alias ?? '',
  group: (before) => before.group,
  txQueueLength: (before) => before.txQueueLength,
  master: (before) => before.master ?? null,
  addrGenMode: (before) => before.addrGenMode,
  arp: (before) => !before.flags.includes('NOARP'),
  multicast: (before) => before.flags.includes('MULTICAST'),
  promiscuous: (before) => before.flags.includes('PROMISC'),
  allMulticast: (before) => before.flags.includes('ALLMULTI'),
}

function isUndoable(options: LinkSet): boolean {
  return Object.keys(options).every((key) => Object.hasOwn(STATE, key))
}

function undoFrom(ref: LinkRef, options: LinkSet): UndoFrom {
  return { ref, look: getLink(ref), operation: ([before]: Link[]) => before && setBack(before, options) }
}

function setBack(before: Link, options: LinkSet): Operation {
  const values = Object.keys(options).map((key) => [key, (STATE[key] as (before: Link) => unknown)(before)])
  return setLink(before.index, Object.fromEntries(values))
}

/** RTM_DELLINK of one link, or of all links of a group at once. */
export function deleteLink(ref: LinkRef | { group: number }): Operation {
  if (typeof ref === 'object' && ref !== null) return deleteGroup(ref.group)
  checkRef(ref)
  const asked = `delete the link ${show(ref)}`
  return {
    asked,
    needs: [],
    touches: named(ref),
    build: () =>
      request({
        type: 'DELLINK',
        shape,
        header: typeof ref === 'number' ? { ifi_index: ref } : {},
        ...(typeof ref === 'number' ? {} : { attributes: nameAttribute(ref) }),
        asked,
        next: { ENOTSUP: 'a link of this kind cannot be deleted: the loopback and hardware stay' },
      }),
  }
}

function deleteGroup(group: unknown): Operation {
  // Group 0 is where every link is that was given none: the kernel would take that for "everything".
  if (typeof group !== 'number' || !Number.isInteger(group) || group < 1 || group > 0xffffffff) {
    throw invalidArgument('group', 'must be a group number from 1 (0 is the group of all links that have none)', group)
  }
  const asked = `delete the links of group ${group}`
  return {
    asked,
    needs: [],
    touches: [],
    build: () => request({ type: 'DELLINK', shape, header: {}, attributes: { IFLA_GROUP: group }, asked }),
  }
}

/** RTM_GETLINK of one link. */
export function getLink(ref: LinkRef): Operation<Link> {
  checkRef(ref)
  const asked = `find the link ${show(ref)}`
  return {
    asked,
    needs: [],
    touches: [],
    build: () =>
      request({
        type: 'GETLINK',
        shape,
        header: typeof ref === 'number' ? { ifi_index: ref } : {},
        attributes: { ...(typeof ref === 'number' ? {} : nameAttribute(ref)), ...withoutStats },
        asked,
        answers: LINK_CHARGE,
      }),
    read: readLink,
  }
}

/** RTM_GETLINK of all links. */
export function dumpLinks(filter: LinkAttributes = {}): Operation<Link> {
  const asked = 'list the links'
  return {
    asked,
    needs: [],
    touches: [],
    build: () =>
      request({
        type: 'GETLINK',
        flags: NLM_F.DUMP,
        shape,
        header: {},
        attributes: { ...filter, ...withoutStats },
        asked,
      }),
    read: readLink,
  }
}

/** RTM_NEWLINKPROP, RTM_DELLINKPROP: alternative names, up to 127 bytes long. */
export function changeAltName(type: 'NEWLINKPROP' | 'DELLINKPROP', ref: LinkRef, name: string): Operation {
  checkRef(ref)
  checkAltName(name)
  const asked = `${type === 'NEWLINKPROP' ? 'add' : 'delete'} the alternative name '${name}' of the link ${show(ref)}`
  return {
    asked,
    needs: [ref],
    touches: [name],
    build: (indexOf) =>
      request({
        type,
        flags: type === 'NEWLINKPROP' ? NLM_F.CREATE | NLM_F.EXCL | NLM_F.APPEND : 0,
        shape,
        header: { ifi_index: indexOf(ref) },
        attributes: { IFLA_PROP_LIST: { IFLA_ALT_IFNAME: [name] } },
        asked,
      }),
    undo: type === 'NEWLINKPROP' ? changeAltName('DELLINKPROP', ref, name) : undefined,
  }
}

const IFNAMSIZ = 16

/** A name goes by IFLA_IFNAME if it could be one; the kernel finds alternative names by either. */
function nameAttribute(name: string): LinkAttributes {
  return Buffer.byteLength(name) < IFNAMSIZ ? { IFLA_IFNAME: name } : { IFLA_ALT_IFNAME: name }
}

// Leaves out the counters of IPv6 and ICMPv6, 600 bytes a link that `ip` does not show either. The link's own are always sent.
const withoutStats: LinkAttributes = { IFLA_EXT_MASK: RTEXT_FILTER.SKIP_STATS }

function named(...names: (LinkRef | undefined)[]): string[] {
  return names.filter((name) => typeof name === 'string')
}

function checkOptions(options: LinkAdd): { kind: string; name: string | undefined } {
  // Everything that can be wrong is said now, before anything is sent.
  linkInfo(options, { indexOf: () => 1 })
  linkAttributes(options, { indexOf: () => 1 }, 'link')
  for (const each of [options, options.peer ?? {}]) {
    if ('addrGenMode' in each) {
      throw invalidArgument('addrGenMode', 'must be left out: the kernel lets only a link that is there be told', each)
    }
  }
  if (options.netns !== undefined && (options.name === undefined || options.name.includes('%'))) {
    throw invalidArgument(
      'name',
      'must be given where netns is, without "%d": a link born elsewhere is found by it',
      options.name,
    )
  }
  return { kind: options.kind, name: options.name }
}
