// Routes: what a person reads and writes, and the requests. ip-route(8).
import { invalidArgument } from '../../kernel/errors.js'
import { type Friendly, renamer } from '../codec/friendly.js'
import { type Family, familyOf, parseNetwork } from '../codec/ip.js'
import { type Message, NLM_F } from '../codec/message.js'
import { flagsOf, nameOf, numberOf } from '../codec/names.js'
import type { Attributes } from '../codec/table.js'
import { checkRef, type IndexOf, type LinkRef, type Operation, refs } from '../operation.js'
import { request } from '../request.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import {
  METRICS,
  type NextHopValue,
  type ROUTE,
  type RouteAttributes,
  RT_SCOPE,
  RT_TABLE,
  RTN,
  RTNH_F,
  RTPROT,
} from '../tables/route.js'
import { familyNumber, familyOfNumber } from './families.js'

type Metrics = Friendly<Attributes<typeof METRICS.rows>, 'RTAX_'>
type Values = Attributes<typeof ROUTE.rows>

export type RouteHop = {
  readonly via: string | undefined
  readonly index: number
  readonly weight: number
  readonly flags: (keyof typeof RTNH_F)[]
}

export type RouteEntry = {
  readonly family: Family
  /** 'default', or a network such as '10.0.0.0/8'. */
  readonly to: string
  /** Only packets from this network; IPv6 only. */
  readonly from: string | undefined
  readonly type: keyof typeof RTN | number
  readonly via: string | undefined
  /** The index of the link it leaves by. */
  readonly index: number | undefined
  readonly table: number
  readonly protocol: keyof typeof RTPROT | number
  readonly scope: keyof typeof RT_SCOPE | number
  readonly source: string | undefined
  readonly metric: number | undefined
  readonly tos: number
  readonly flags: (keyof typeof RTNH_F)[]
  readonly metrics: Metrics | undefined
  readonly hops: RouteHop[]
  readonly nexthop: number | undefined
  readonly preference: string | number | undefined
  /** Seconds left; undefined if it stays. */
  readonly expires: number | undefined
  readonly attributes: Values
}

export type RouteHopAdd = { via?: string; dev?: LinkRef; weight?: number; onlink?: boolean }

export type RouteAdd = {
  /** 'default', or a network such as '10.0.0.0/8' or '2001:db8::/32': no bits set beyond its length. */
  to: string
  /** Only for packets from this network; IPv6 only. */
  from?: string
  /** The gateway; one of another family than `to` goes as RTA_VIA. */
  via?: string
  dev?: LinkRef
  /** unicast, if not given; blackhole, unreachable, prohibit and throw need neither via nor dev. */
  type?: keyof typeof RTN | number
  table?: keyof typeof RT_TABLE | number
  protocol?: keyof typeof RTPROT | number
  scope?: keyof typeof RT_SCOPE | number
  /** The address packets leave with (RTA_PREFSRC). */
  source?: string
  metric?: number
  tos?: number
  /** Pretend the gateway is on the link, even if no address says so. */
  onlink?: boolean
  /** mtu, advmss, initcwnd, hoplimit, …: RTAX_… of <linux/rtnetlink.h>. */
  metrics?: Metrics
  hops?: RouteHopAdd[]
  /** The id of a next hop object. */
  nexthop?: number
  /** Seconds until it goes by itself; IPv6 only. */
  expires?: number
  /** Which of several routers is preferred; IPv6 only. */
  preference?: 'low' | 'medium' | 'high'
  /** Of 'default' without a gateway; 4, if not given. */
  family?: Family
}

const shape = SHAPES.route
/** The kernel tells times in it, on every machine Node runs on. */
const USER_HZ = 100
const METRIC_NAMES = renamer(METRICS, 'RTAX_')
const ROUTE_CHARGE = 1024

export function readRoute(message: Message, bytes: Buffer): RouteEntry | undefined {
  if (message.type !== RTM.NEWROUTE && message.type !== RTM.DELROUTE) return undefined
  const { header, attributes: a } = decodeAs(shape, bytes, message.start, message.end)
  const family = familyOfNumber(header.rtm_family)
  if (family === undefined) return undefined
  return {
    family,
    to: a.RTA_DST === undefined && header.rtm_dst_len === 0 ? 'default' : `${a.RTA_DST}/${header.rtm_dst_len}`,
    from: a.RTA_SRC === undefined ? undefined : `${a.RTA_SRC}/${header.rtm_src_len}`,
    type: nameOf(RTN, header.rtm_type),
    via: a.RTA_GATEWAY ?? a.RTA_VIA?.address,
    index: a.RTA_OIF,
    table: a.RTA_TABLE ?? header.rtm_table,
    protocol: nameOf(RTPROT, header.rtm_protocol),
    scope: nameOf(RT_SCOPE, header.rtm_scope),
    source: a.RTA_PREFSRC,
    metric: a.RTA_PRIORITY,
    tos: header.rtm_tos,
    flags: flagsOf(RTNH_F, header.rtm_flags),
    metrics: a.RTA_METRICS && (METRIC_NAMES.toFriendly(a.RTA_METRICS) as Metrics),
    hops: (a.RTA_MULTIPATH ?? []).map(readHop),
    nexthop: a.RTA_NH_ID,
    preference: a.RTA_PREF,
    expires: a.RTA_CACHEINFO?.rta_expires ? a.RTA_CACHEINFO.rta_expires / USER_HZ : undefined,
    attributes: a,
  }
}

const ADDING = { add: NLM_F.EXCL, replace: NLM_F.REPLACE, append: NLM_F.APPEND } as const

export function addRoute(options: RouteAdd, how: keyof typeof ADDING = 'add'): Operation {
  const made = operation('NEWROUTE', NLM_F.CREATE | ADDING[how], how, options)
  return { ...made, undo: how === 'replace' ? undefined : deleteRoute(options) }
}

export function deleteRoute(options: RouteAdd): Operation {
  return operation('DELROUTE', 0, 'delete', options)
}

/** @param table only routes of this table, by number or name */
export function dumpRoutes(family: Family | 0 = 0, table?: string | number): Operation<RouteEntry> {
  const asked = 'list the routes'
  const attributes = table === undefined ? {} : { RTA_TABLE: tableNumber(table) }
  const header = { rtm_family: family === 0 ? 0 : familyNumber(family) }
  const build = () => request({ type: 'GETROUTE', flags: NLM_F.DUMP, shape, header, attributes, asked })
  return { asked, needs: [], touches: [], build, read: readRoute }
}

/** The route a packet to this address would take. */
export function getRoute(to: string, from?: string): Operation<RouteEntry> {
  const family = familyOf(to, 'to')
  const asked = `find the route to ${to}`
  const bits = family === 4 ? 32 : 128
  const header = { rtm_family: familyNumber(family), rtm_dst_len: bits, rtm_src_len: from === undefined ? 0 : bits }
  const attributes = { RTA_DST: to, RTA_SRC: from }
  const build = () => request({ type: 'GETROUTE', shape, header, attributes, asked, answers: ROUTE_CHARGE })
  return { asked, needs: [], touches: [], build, read: readRoute }
}

function operation(type: 'NEWROUTE' | 'DELROUTE', flags: number, verb: string, options: RouteAdd): Operation {
  const { to, dev, hops = [] } = checkRoute(options)
  const asked = `${verb} the route to ${to}`
  const needs = refs(dev, ...hops.map((hop) => hop.dev))
  const build = (indexOf: IndexOf) =>
    request({
      type,
      flags,
      shape,
      header: header(type, options),
      attributes: attributes(options, indexOf),
      asked,
      next: {
        EEXIST: 'there is such a route already: replace it, or give another metric',
        ESRCH: 'there is no such route',
        ENETUNREACH:
          'its gateway is on no network of this namespace: set the link up and give it an address, or onlink',
        ENETDOWN: 'its link is down: set it up first',
      },
    })
  build(() => 1) // everything that can be wrong is said now
  return { asked, needs, touches: [], build }
}

function header(type: string, options: RouteAdd) {
  const { type: kind, table, protocol, scope, tos = 0, onlink = false } = options
  const { family, length } = destination(options)
  const adding = type === 'NEWROUTE'
  const number = tableNumber(table ?? 'main')
  return {
    rtm_family: familyNumber(family),
    rtm_dst_len: length,
    rtm_src_len: source(options, family)?.length ?? 0,
    rtm_tos: tos,
    rtm_table: number < 256 ? number : RT_TABLE.unspec,
    rtm_protocol: numberOf(RTPROT, protocol ?? (adding ? 'boot' : 'unspec'), 'protocol'),
    rtm_scope: scope === undefined ? defaultScope(adding, family, options) : numberOf(RT_SCOPE, scope, 'scope'),
    rtm_type: numberOf(RTN, kind ?? (adding ? 'unicast' : 'unspec'), 'type'),
    rtm_flags: onlink ? RTNH_F.onlink : 0,
  }
}

function attributes(options: RouteAdd, indexOf: IndexOf): Values {
  const { family, address } = destination(options)
  const number = tableNumber(options.table ?? 'main')
  return {
    RTA_DST: address,
    RTA_SRC: source(options, family)?.address,
    ...gateway(family, options.via),
    RTA_OIF: options.dev === undefined ? undefined : indexOf(options.dev),
    RTA_PREFSRC: options.source,
    RTA_PRIORITY: options.metric,
    RTA_TABLE: number < 256 ? undefined : number,
    RTA_NH_ID: options.nexthop,
    RTA_EXPIRES: options.expires,
    RTA_PREF: options.preference,
    RTA_METRICS: options.metrics && METRIC_NAMES.toAttributes(options.metrics, 'metrics'),
    RTA_MULTIPATH: options.hops?.map((hop) => writeHop(hop, family, indexOf)),
  } as Values
}

function gateway(family: Family, via: string | undefined): RouteAttributes {
  if (via === undefined) return {}
  const its = familyOf(via, 'via')
  return its === family ? { RTA_GATEWAY: via } : { RTA_VIA: { family: familyNumber(its), address: via } }
}

function writeHop(hop: RouteHopAdd, family: Family, indexOf: IndexOf): NextHopValue {
  const { weight = 1 } = hop
  if (!Number.isInteger(weight) || weight < 1 || weight > 256) {
    throw invalidArgument('hops.weight', 'must be a whole number from 1 to 256', weight)
  }
  return {
    flags: hop.onlink ? RTNH_F.onlink : 0,
    hops: weight - 1,
    ifindex: hop.dev === undefined ? 0 : indexOf(hop.dev),
    attributes: gateway(family, hop.via),
  }
}

function readHop({ flags, hops, ifindex, attributes: a }: NextHopValue): RouteHop {
  return {
    via: a.RTA_GATEWAY ?? a.RTA_VIA?.address,
    index: ifindex,
    weight: hops + 1,
    flags: flagsOf(RTNH_F, flags),
  }
}

function destination({ to, via, family }: RouteAdd): { family: Family; address?: string; length: number } {
  if (to !== 'default') return parseNetwork(to, 'to')
  return { family: family ?? (via === undefined ? 4 : familyOf(via, 'via')), length: 0 }
}

function source({ from }: RouteAdd, family: Family) {
  if (from === undefined) return undefined
  const network = parseNetwork(from, 'from')
  if (network.family !== family) throw invalidArgument('from', `must be of IPv${family} like the rest`, from)
  return network
}

// As iproute2 has it: what is on the link reaches no further, and the kernel is told so.
function defaultScope(adding: boolean, family: Family, { type, via, hops, nexthop }: RouteAdd): number {
  if (!adding) return RT_SCOPE.nowhere
  if (family === 6) return RT_SCOPE.global
  if (type === 'local' || type === 'nat') return RT_SCOPE.host
  if (type === 'broadcast' || type === 'multicast' || type === 'anycast') return RT_SCOPE.link
  const direct = (type ?? 'unicast') === 'unicast' && via === undefined && hops === undefined && nexthop === undefined
  return direct ? RT_SCOPE.link : RT_SCOPE.global
}

function checkRoute(options: RouteAdd): RouteAdd {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'must be an object', options)
  if (options.dev !== undefined) checkRef(options.dev, 'dev')
  if (options.hops !== undefined && (!Array.isArray(options.hops) || options.hops.length === 0)) {
    throw invalidArgument('hops', 'must be an array of at least one { via, dev, weight }', options.hops)
  }
  for (const hop of options.hops ?? []) if (hop.dev !== undefined) checkRef(hop.dev, 'hops.dev')
  return options
}

function tableNumber(table: string | number): number {
  return numberOf(RT_TABLE, table, 'table', 0xffffffff)
}
