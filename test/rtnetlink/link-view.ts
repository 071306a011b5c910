// Links written as `ip -j -d -s -s link` writes them, with what each kind and each port adds.
import { readFileSync } from 'node:fs'
import type { Link } from 'nsfd/rtnetlink'
import { type Json, type Names, snake } from './ip-view.js'

const hex = (bytes: unknown, from: number, to: number) =>
  [...(bytes as Uint8Array).subarray(from, to)].map((byte) => byte.toString(16))
/** iproute2's form of a bridge id: priority, and a hardware address without leading zeros. */
const bridgeId = (bytes: unknown) =>
  `${[...(bytes as Uint8Array).subarray(0, 2)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}.${hex(bytes, 2, 8).join(':')}`
const hundredths = (value: unknown) => (value as number) / 100

/** '0', and '0x8': printf's %#x. */
const hexMask = (mask: number) => (mask === 0 ? '0' : `0x${mask.toString(16)}`)

type Rename = readonly [theirs: string, toTheirs?: (value: never, names: Names) => unknown]

const VLAN_FLAGS = ['REORDER_HDR', 'GVRP', 'LOOSE_BINDING', 'MVRP', 'BRIDGE_BINDING']
const MACVLAN: Readonly<Record<string, Rename>> = {
  bcQueueLen: ['bcqueuelen'],
  bcQueueLenUsed: ['usedbcqueuelen'],
  macaddrCount: ['macaddr_count', (count: number) => count || undefined],
  macaddrData: ['macaddr_data', (data: { IFLA_MACVLAN_MACADDR?: string[] }) => data.IFLA_MACVLAN_MACADDR],
  flags: ['nopromisc', (flags: number) => (flags & 1) !== 0 || undefined],
}
/** IPVLAN_F_PRIVATE, IPVLAN_F_VEPA of <linux/if_link.h>; without either, ip says "bridge". */
const IPVLAN: Readonly<Record<string, Rename>> = {
  flags: ['bridge', (flags: number) => (flags & 3) === 0 || undefined],
}

/** The name of an id, as getpwuid(3) and getgrgid(3) find it in their files. */
function nameIn(file: string, id: number): string {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((each) => Number(each.split(':')[2]) === id)
  return line?.split(':')[0] ?? String(id)
}

/** What `ip` calls a datum of ours, and how it writes it; what is not here it writes as we do. */
const DATA: Readonly<Record<string, Readonly<Record<string, Rename>>>> = {
  bridge: {
    vlanFiltering: ['vlan_filtering', Number],
    rootId: ['root_id', bridgeId],
    bridgeId: ['bridge_id', bridgeId],
    helloTimer: ['hello_timer', hundredths],
    tcnTimer: ['tcn_timer', hundredths],
    topologyChangeTimer: ['topology_change_timer', hundredths],
    gcTimer: ['gc_timer', hundredths],
    groupFwdMask: ['group_fwd_mask', hexMask],
    mcastSnooping: ['mcast_snooping', Number],
    mcastQueryUseIfaddr: ['mcast_query_use_ifaddr', Number],
    mcastQuerier: ['mcast_querier', Number],
    mcastStatsEnabled: ['mcast_stats_enabled', Number],
    nfCallIptables: ['nf_call_iptables', Number],
    nfCallIp6tables: ['nf_call_ip6tables', Number],
    nfCallArptables: ['nf_call_arptables', Number],
    vlanStatsEnabled: ['vlan_stats_enabled', Number],
    vlanStatsPerPort: ['vlan_stats_per_port', Number],
  },
  vxlan: {
    group6: ['remote6'],
    link: ['link', (index: number, names) => names.get(index)],
    local6: ['local6'],
    group: ['group'],
    portRange: ['port_range'],
    tos: ['tos', (tos: number) => (tos === 0 ? undefined : `0x${tos.toString(16)}`)],
    label: ['label', (label: number) => (label === 0 ? undefined : `0x${label.toString(16)}`)],
    collectMetadata: ['external'],
  },
  macvlan: MACVLAN,
  macvtap: MACVLAN,
  vlan: { flags: ['flags', ({ flags }: { flags: number }) => VLAN_FLAGS.filter((_, bit) => flags & (1 << bit))] },
  ipvlan: IPVLAN,
  ipvtap: IPVLAN,
  tun: {
    numQueues: ['numqueues'],
    numDisabledQueues: ['numdisabled'],
    owner: ['user', (id: number) => nameIn('/etc/passwd', id)],
    group: ['group', (id: number) => nameIn('/etc/group', id)],
  },
  port: {
    mode: ['hairpin'],
    guard: ['guard'],
    protect: ['root_block'],
    fastLeave: ['fastleave'],
    unicastFlood: ['flood'],
    proxyarp: ['proxy_arp'],
    proxyarpWifi: ['proxy_arp_wifi'],
    rootId: ['root_id', bridgeId],
    bridgeId: ['bridge_id', bridgeId],
    id: ['id', (id: number) => `0x${id.toString(16)}`],
    no: ['no', (no: number) => `0x${no.toString(16)}`],
    holdTimer: ['hold_timer', hundredths],
    messageAgeTimer: ['message_age_timer', hundredths],
    forwardDelayTimer: ['forward_delay_timer', hundredths],
    mcastToUcast: ['mcast_to_unicast'],
    groupFwdMask: ['group_fwd_mask', hexMask],
  },
}

/** What ip makes of a datum besides printing it. */
const DERIVED: Readonly<Record<string, (data: Json) => Json>> = {
  bridge: ({ groupFwdMask, multiBoolopt }) => {
    const bits = (multiBoolopt as { optval: number } | undefined)?.optval ?? 0
    return {
      group_fwd_mask_str: `0x${(groupFwdMask as number).toString(16)}`,
      no_linklocal_learn: bits & 1, // BR_BOOLOPT_NO_LL_LEARN, BR_BOOLOPT_MCAST_VLAN_SNOOPING of <linux/if_bridge.h>
      mcast_vlan_snooping: (bits >> 1) & 1,
    }
  },
  port: ({ groupFwdMask }) => ({ group_fwd_mask_str: `0x${((groupFwdMask as number) ?? 0).toString(16)}` }),
}

function dataView(kind: string, data: Json | undefined, names: Names): Json {
  const view: Json = { ...DERIVED[kind]?.(data ?? {}) }
  for (const [key, value] of Object.entries(data ?? {})) {
    const [theirs, convert] = DATA[kind]?.[key] ?? [snake(key)]
    view[theirs] = convert === undefined ? value : convert(value as never, names)
  }
  return view
}

export function linkView(link: Link, names: Names, all: readonly Link[]): Json {
  const a = link.attributes
  const { stats } = link
  return {
    ifindex: link.index,
    ifname: link.name,
    flags: carrierFlags(link, all),
    mtu: link.mtu,
    qdisc: link.qdisc,
    operstate: link.operState,
    linkmode: a.IFLA_LINKMODE,
    group: link.group === 0 ? 'default' : String(link.group),
    txqlen: link.txQueueLength || undefined,
    link_type: link.type,
    address: link.mac,
    broadcast: link.broadcast,
    permaddr: a.IFLA_PERM_ADDRESS,
    ...(link.linkNsid === undefined
      ? { link: link.link === undefined ? undefined : names.get(link.link) }
      : { link_index: link.link, link_netnsid: link.linkNsid }),
    master: link.master === undefined ? undefined : names.get(link.master),
    ifalias: link.alias,
    altnames: link.altNames.length === 0 ? undefined : link.altNames,
    promiscuity: a.IFLA_PROMISCUITY,
    allmulti: a.IFLA_ALLMULTI,
    min_mtu: a.IFLA_MIN_MTU,
    max_mtu: a.IFLA_MAX_MTU,
    inet6_addr_gen_mode: link.addrGenMode,
    num_tx_queues: link.txQueues,
    num_rx_queues: link.rxQueues,
    gso_max_size: a.IFLA_GSO_MAX_SIZE,
    gso_max_segs: a.IFLA_GSO_MAX_SEGS,
    tso_max_size: a.IFLA_TSO_MAX_SIZE,
    tso_max_segs: a.IFLA_TSO_MAX_SEGS,
    gro_max_size: a.IFLA_GRO_MAX_SIZE,
    info_kind: link.kind,
    info_slave_kind: link.portKind,
    info_data: dataView(link.kind ?? '', link.data, names),
    info_slave_data: dataView('port', link.port, names),
    stats64: stats && {
      rx: {
        bytes: stats.rx_bytes,
        packets: stats.rx_packets,
        errors: stats.rx_errors,
        dropped: stats.rx_dropped,
        over_errors: stats.rx_over_errors,
        multicast: stats.multicast,
        length_errors: stats.rx_length_errors,
        crc_errors: stats.rx_crc_errors,
        frame_errors: stats.rx_frame_errors,
        fifo_errors: stats.rx_fifo_errors,
        missed_errors: stats.rx_missed_errors,
        nohandler: stats.rx_nohandler || undefined,
        compressed: stats.rx_compressed || undefined,
      },
      tx: {
        bytes: stats.tx_bytes,
        packets: stats.tx_packets,
        errors: stats.tx_errors,
        dropped: stats.tx_dropped,
        carrier_errors: stats.tx_carrier_errors,
        collisions: stats.collisions,
        aborted_errors: stats.tx_aborted_errors,
        fifo_errors: stats.tx_fifo_errors,
        window_errors: stats.tx_window_errors,
        heartbeat_errors: stats.tx_heartbeat_errors,
        carrier_changes: a.IFLA_CARRIER_CHANGES,
        compressed: stats.tx_compressed || undefined,
      },
    },
  }
}

/** ip adds two flags of its own making, and leaves one out: RUNNING, which LOWER_UP and operstate say better. */
function carrierFlags({ flags, link, linkNsid }: Link, all: readonly Link[]): string[] {
  const lower = linkNsid === undefined ? all.find(({ index }) => index === link) : undefined
  return [
    ...(flags.includes('UP') && !flags.includes('RUNNING') ? ['NO-CARRIER'] : []),
    ...flags.filter((flag) => flag !== 'RUNNING'),
    ...(lower?.up === false ? ['M-DOWN'] : []),
  ]
}
