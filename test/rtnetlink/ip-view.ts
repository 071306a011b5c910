// Our objects written as `ip -j -d` writes them, field by field, so that the two can be compared whole. Links are in link-view.ts.
import { spawnSync } from 'node:child_process'
import type { Address, BridgeVlan, Neighbour, NextHop, RouteEntry, Rule } from 'nsfd/rtnetlink'

export type Json = Record<string, unknown>

/** Runs ip (or tc, bridge) in the namespace of a descriptor of this process, and returns its JSON. */
export function ipJson(fd: number, command: string, ...args: string[]): Json[] {
  const options = command === 'ip' ? ['-d', '-s', '-s', '-j'] : ['-d', '-s', '-j']
  const text = inside(fd, command, ...options, ...args)
  return text.trim() === '' ? [] : (JSON.parse(text) as Json[])
}

/** Runs a command in the namespace of a descriptor of this process. @throws with what it said if it fails */
export function inside(fd: number, ...command: string[]): string {
  const net = `--net=/proc/${process.pid}/fd/${fd}`
  const { status, stdout, stderr } = spawnSync('nsenter', [net, ...command], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr || stdout}`)
  return stdout
}

export type Names = ReadonlyMap<number, string>

/** Clocks that tick in hundredths of a second between our look and theirs: both must tell a number. */
const CLOCK = /_timer$/

/** 'rtoMin' as 'rto_min'. */
export const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Flags that ip calls otherwise. */
const FLAG_WORDS: Readonly<Record<string, string>> = { homeaddress: 'home', stable_privacy: 'stable-privacy' }

export function addressView(address: Address): Json {
  const flags = Object.fromEntries(
    address.flags.filter((flag) => flag !== 'permanent').map((flag) => [FLAG_WORDS[flag] ?? flag, true]),
  )
  const forever = (seconds: number) => (seconds === Number.POSITIVE_INFINITY ? 0xffffffff : seconds)
  return {
    family: address.family === 6 ? 'inet6' : 'inet',
    local: address.address,
    address: address.peer,
    prefixlen: address.prefixLength,
    broadcast: address.broadcast,
    metric: address.metric,
    scope: address.scope,
    label: address.label,
    dynamic: address.flags.includes('permanent') ? undefined : true,
    valid_life_time: forever(address.validLifetime),
    preferred_life_time: forever(address.preferredLifetime),
    ...flags,
  }
}

const TABLES: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' }
const host = (prefix: string) => prefix.replace(/\/(32|128)$/, '')

export function routeView(route: RouteEntry, names: Names, hops: readonly NextHop[]): Json {
  return {
    type: route.type,
    dst: host(route.to),
    ...gatewayView(route.via, route.family),
    dev: route.index === undefined ? undefined : names.get(route.index),
    table: TABLES[route.table] ?? String(route.table),
    protocol: String(route.protocol),
    scope: route.scope,
    prefsrc: route.source,
    metric: route.metric,
    flags: route.flags,
    metrics: route.metrics && [metricsView(route.metrics as Readonly<Record<string, number>>)],
    nexthops:
      route.hops.length === 0
        ? undefined
        : route.hops.map((hop) => ({
            ...gatewayView(hop.via, route.family),
            dev: names.get(hop.index),
            weight: hop.weight,
            flags: hop.flags,
          })),
    nhid: route.nexthop,
    nh_info: hops.filter(({ id }) => id === route.nexthop).map((hop) => nextHopView(hop, names))[0],
    pref: route.preference,
    tos: tosView(route.tos),
    from: route.from && host(route.from),
    flow: route.attributes.RTA_FLOW && realms(route.attributes.RTA_FLOW, 'from', 'to'),
    expires: route.expires && Math.floor(route.expires),
    error: -(route.attributes.RTA_CACHEINFO?.rta_error ?? 0) || undefined,
  }
}

/** A gateway of another family than its destination is told with its family. */
function gatewayView(via: string | undefined, family: number): Json {
  if (via === undefined) return {}
  const its = via.includes(':') ? 6 : 4
  return its === family ? { gateway: via } : { via: { family: its === 6 ? 'inet6' : 'inet', host: via } }
}

/** tcp(7) keeps rtt in eighths and rttvar in quarters of a millisecond; ip tells milliseconds. */
function metricsView(metrics: Readonly<Record<string, number>>): Json {
  const { rtt, rttvar, features, ccAlgo, lock: _, ...rest } = metrics
  return {
    ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [snake(key), value])),
    rtt: rtt && rtt / 8,
    rttvar: rttvar && rttvar / 4,
    ecn: features && features & 1 ? null : undefined, // RTAX_FEATURE_ECN
    congestion: ccAlgo,
  }
}

const tosView = (tos: number) => (tos === 0 ? undefined : `0x${tos.toString(16).padStart(2, '0')}`)

/** Realms: two numbers in one, of which the first may be 0 and is then not told. */
function realms(flow: number, from: string, to: string): Json {
  return { ...(flow >>> 16 === 0 ? {} : { [from]: String(flow >>> 16) }), [to]: String(flow & 0xffff) }
}

export function neighbourView(neighbour: Neighbour, names: Names): Json {
  const flags = neighbour.flags.map((flag) => [flag, null])
  const times = neighbour.attributes.NDA_CACHEINFO
  const seconds = (hundredths?: number) => hundredths && Math.floor(hundredths / 100)
  return {
    dst: neighbour.to,
    dev: names.get(neighbour.index),
    lladdr: neighbour.mac,
    probes: neighbour.probes,
    protocol: neighbour.attributes.NDA_PROTOCOL && String(neighbour.attributes.NDA_PROTOCOL),
    managed: (neighbour.attributes.NDA_FLAGS_EXT ?? 0) & 1 ? null : undefined, // NTF_EXT_MANAGED
    refcnt: times?.ndm_refcnt || undefined,
    used: seconds(times?.ndm_used),
    confirmed: seconds(times?.ndm_confirmed),
    updated: seconds(times?.ndm_updated),
    state: neighbour.state.length === 0 ? undefined : neighbour.state.map((state) => state.toUpperCase()),
    ...Object.fromEntries(flags),
  }
}

/** As `bridge fdb` has them. */
export function forwardingView(entry: Neighbour, names: Names): Json {
  const { vlan, to, mac } = entry
  const flags = entry.flags.filter((flag) => flag !== 'proxy')
  const a = entry.attributes
  const times = a.NDA_CACHEINFO
  return {
    mac,
    dst: to,
    ifname: names.get(entry.index),
    vlan,
    port: a.NDA_PORT,
    vni: a.NDA_VNI,
    viaIf: a.NDA_IFINDEX && names.get(a.NDA_IFINDEX),
    master: entry.master && names.get(entry.master),
    used: times && Math.floor(times.ndm_used / 100),
    updated: times && Math.floor(times.ndm_updated / 100),
    flags,
    state: stateWord(entry.state),
  }
}

/** bridge(8) has words of its own for NUD_…. */
function stateWord(state: Neighbour['state']): string {
  if (state.includes('permanent')) return 'permanent'
  if (state.includes('noarp')) return 'static'
  return state.includes('stale') ? 'stale' : ''
}

const split = (prefix: string, address: string, length: string): Json => {
  if (prefix === 'all') return {}
  const [text, bits] = prefix.split('/')
  return bits === (text?.includes(':') ? '128' : '32')
    ? { [address]: text }
    : { [address]: text, [length]: Number(bits) }
}

export function ruleView(rule: Rule): Json {
  const a = rule.attributes
  const protocols: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' }
  const port = (name: string, range?: { start: number; end: number }): Json => {
    if (range === undefined) return {}
    return range.start === range.end
      ? { [name]: range.start }
      : { [`${name}_start`]: range.start, [`${name}_end`]: range.end }
  }
  return {
    priority: rule.priority,
    protocol: String(rule.protocol),
    src: 'all',
    ...split(rule.from, 'src', 'srclen'),
    ...split(rule.to, 'dst', 'dstlen'),
    not: rule.invert ? null : undefined,
    iif: rule.iif,
    oif: rule.oif,
    fwmark: rule.mark ? `0x${rule.mark.toString(16)}` : undefined,
    fwmask: rule.mark && rule.mask !== 0xffffffff ? `0x${rule.mask?.toString(16)}` : undefined,
    ipproto: rule.ipProtocol === undefined ? undefined : protocols[rule.ipProtocol],
    ...port('sport', rule.sourcePort),
    ...port('dport', rule.destinationPort),
    tos: tosView(rule.tos),
    l3mdev: rule.l3mdev ? null : undefined,
    suppress_ifgroup: rule.suppressGroup === undefined ? undefined : String(rule.suppressGroup),
    tun_id: a.FRA_TUN_ID && Number(Buffer.from(a.FRA_TUN_ID).readBigUInt64BE()),
    ...(a.FRA_FLOW ? realms(a.FRA_FLOW, 'flow_from', 'flow_to') : {}),
    nop: rule.action === 'nop' ? null : undefined,
    table: rule.action === 'to_table' && !rule.l3mdev ? (TABLES[rule.table] ?? String(rule.table)) : undefined,
    action: ['to_table', 'goto', 'nop'].includes(String(rule.action)) ? undefined : rule.action,
    goto: rule.goto,
    suppress_prefixlen: rule.suppressPrefixLength,
    uid_start: rule.uidRange?.start,
    uid_end: rule.uidRange?.end,
  }
}

export function nextHopView(hop: NextHop, names: Names): Json {
  return {
    id: hop.id,
    scope: hop.scope,
    group:
      hop.group.length === 0 ? undefined : hop.group.map(({ id, weight }) => (weight === 1 ? { id } : { id, weight })),
    gateway: hop.via,
    dev: hop.index === undefined ? undefined : names.get(hop.index),
    blackhole: hop.blackhole ? null : undefined,
    protocol: String(hop.protocol),
    fdb: hop.fdb ? null : undefined,
    flags: hop.flags,
  }
}

/** Only what is set, in an order of its own; of clocks, that they are numbers. */
export function settled(value: unknown, leftOut: ReadonlySet<string> = new Set()): unknown {
  if (Array.isArray(value)) return value.map((each) => settled(each, leftOut)).sort(wordsOnly)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key, each]) => each !== undefined && !leftOut.has(key))
  return Object.fromEntries(
    entries.map(([key, each]) => [key, CLOCK.test(key) ? typeof each : settled(each, leftOut)]).sort(),
  )
}

/** Flags have no order; lists of anything else keep theirs. */
function wordsOnly(a: unknown, b: unknown): number {
  return typeof a === 'string' && typeof b === 'string' ? (a < b ? -1 : 1) : 0
}

/** As `bridge vlan` has them: a link each, a VLAN each. */
export function vlansView(vlans: readonly BridgeVlan[], names: Names): Json[] {
  const byLink = new Map<string, Json[]>()
  for (const { index, vid, end, pvid, untagged } of vlans) {
    const name = String(names.get(index))
    const words = [...(pvid ? ['PVID'] : []), ...(untagged ? ['Egress Untagged'] : [])]
    const flags = words.length === 0 ? {} : { flags: words }
    const each = Array.from({ length: end - vid + 1 }, (_, i) => ({ vlan: vid + i, ...flags }))
    byLink.set(name, [...(byLink.get(name) ?? []), ...each])
  }
  return [...byLink].map(([ifname, list]) => ({ ifname, vlans: list }))
}
