// Every message rtnetlink knows here: its number, its header and its attributes. <linux/rtnetlink.h>
import type { Struct } from '../codec/struct.js'
import type { Table } from '../codec/table.js'
import { ADDRESS, ifaddrmsg } from './address.js'
import { BRIDGE_LINK, ifinfomsg, LINK } from './link.js'
import { NEIGHBOUR, ndmsg } from './neighbour.js'
import { NEXTHOP, nhmsg } from './nexthop.js'
import { NSID, rtgenmsg } from './nsid.js'
import { QDISC, tcmsg } from './qdisc.js'
import { ROUTE, rtmsg } from './route.js'
import { fib_rule_hdr, RULE } from './rule.js'

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
  NEWQDISC: 36,
  DELQDISC: 37,
  GETQDISC: 38,
  NEWTCLASS: 40,
  DELTCLASS: 41,
  GETTCLASS: 42,
  NEWNSID: 88,
  DELNSID: 89,
  GETNSID: 90,
  NEWNEXTHOP: 104,
  DELNEXTHOP: 105,
  GETNEXTHOP: 106,
  NEWLINKPROP: 108,
  DELLINKPROP: 109,
} as const

/** A kind of message: what comes first in it, and what follows. */
export type Shape<H, V> = { readonly name: string; readonly header: Struct<H>; readonly attributes: Table<V> }

const shape = <H, V>(name: string, header: Struct<H>, attributes: Table<V>): Shape<H, V> => ({
  name,
  header,
  attributes,
})

export const SHAPES = {
  link: shape('link', ifinfomsg, LINK),
  bridgeLink: shape('bridge link', ifinfomsg, BRIDGE_LINK),
  address: shape('address', ifaddrmsg, ADDRESS),
  route: shape('route', rtmsg, ROUTE),
  neighbour: shape('neighbour', ndmsg, NEIGHBOUR),
  rule: shape('rule', fib_rule_hdr, RULE),
  qdisc: shape('qdisc', tcmsg, QDISC),
  nsid: shape('nsid', rtgenmsg, NSID),
  nexthop: shape('nexthop', nhmsg, NEXTHOP),
} as const

type AnyShape = (typeof SHAPES)[keyof typeof SHAPES]

const BY_OBJECT: readonly (readonly [first: number, last: number, AnyShape])[] = [
  [RTM.NEWLINK, RTM.SETLINK, SHAPES.link],
  [RTM.NEWADDR, RTM.GETADDR, SHAPES.address],
  [RTM.NEWROUTE, RTM.GETROUTE, SHAPES.route],
  [RTM.NEWNEIGH, RTM.GETNEIGH, SHAPES.neighbour],
  [RTM.NEWRULE, RTM.GETRULE, SHAPES.rule],
  [RTM.NEWQDISC, RTM.GETTCLASS, SHAPES.qdisc],
  [RTM.NEWNSID, RTM.GETNSID, SHAPES.nsid],
  [RTM.NEWNEXTHOP, RTM.GETNEXTHOP, SHAPES.nexthop],
  [RTM.NEWLINKPROP, RTM.DELLINKPROP, SHAPES.link],
]

const NAMES = new Map<number, string>(Object.entries(RTM).map(([name, type]) => [type, `RTM_${name}`]))
const AF_BRIDGE = 7

/** 'RTM_NEWLINK'; the number for a type this table does not have. */
export function messageName(type: number): string {
  return NAMES.get(type) ?? `message ${type}`
}

/** The shape of a message of this type; links of family AF_BRIDGE have another one than links. */
export function shapeOf(type: number, family: number): AnyShape | undefined {
  const found = BY_OBJECT.find(([first, last]) => type >= first && type <= last)?.[2]
  return found === SHAPES.link && family === AF_BRIDGE ? SHAPES.bridgeLink : found
}

/** A message decoded by its tables, whatever it is about; undefined for a type no table describes. */
export type Decoded = {
  type: number
  shape: string
  header: Record<string, unknown>
  attributes: Record<string, unknown>
}

export function decode(type: number, bytes: Buffer, start: number, end: number): Decoded | undefined {
  const shape = shapeOf(type, start < end ? (bytes[start] as number) : 0)
  if (shape === undefined) return undefined
  return {
    type,
    shape: shape.name,
    ...decodeAs(shape as Shape<Record<string, unknown>, Record<string, unknown>>, bytes, start, end),
  }
}

export function decodeAs<H, V>(
  of: Shape<H, V>,
  bytes: Buffer,
  start: number,
  end: number,
): { header: H; attributes: V } {
  const header = of.header.read(bytes, start, end, {})
  const attributes = of.attributes.decode(bytes, Math.min(end, start + ((of.header.size + 3) & ~3)), end)
  return { header, attributes }
}
