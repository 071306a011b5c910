// Kinds of links as a person writes them: friendly options, and the tables they become.
import { invalidArgument } from '../../kernel/errors.js'
import { type Friendly, type Renamer, renamer } from '../codec/friendly.js'
import { familyOf } from '../codec/ip.js'
import type { Table, UnknownAttribute } from '../codec/table.js'
import { LINK_DATA, LINK_PORT_DATA } from '../tables/link.js'
import type * as tables from '../tables/link-kinds.js'

type Values<T> = T extends Table<infer V> ? V : never

/** What each kind of link takes and tells as its `data`. Any other kind can be made without data. */
export type LinkData = {
  bridge: Friendly<Values<typeof tables.BRIDGE>, 'IFLA_BR_'>
  vlan: Friendly<Values<typeof tables.VLAN>, 'IFLA_VLAN_'>
  vxlan: Friendly<Values<typeof tables.VXLAN>, 'IFLA_VXLAN_'>
  macvlan: Friendly<Values<typeof tables.MACVLAN>, 'IFLA_MACVLAN_'>
  macvtap: Friendly<Values<typeof tables.MACVLAN>, 'IFLA_MACVLAN_'>
  ipvlan: Friendly<Values<typeof tables.IPVLAN>, 'IFLA_IPVLAN_'>
  ipvtap: Friendly<Values<typeof tables.IPVLAN>, 'IFLA_IPVLAN_'>
  vrf: Friendly<Values<typeof tables.VRF>, 'IFLA_VRF_'>
  tun: Friendly<Values<typeof tables.TUN>, 'IFLA_TUN_'>
}

/** What a link says of itself as a port of its master. */
export type PortData = Friendly<Values<typeof tables.BRIDGE_PORT>, 'IFLA_BRPORT_'>

const DATA: Readonly<Record<string, Renamer>> = {
  bridge: renamer(LINK_DATA.bridge, 'IFLA_BR_'),
  vlan: renamer(LINK_DATA.vlan, 'IFLA_VLAN_'),
  vxlan: renamer(LINK_DATA.vxlan, 'IFLA_VXLAN_'),
  macvlan: renamer(LINK_DATA.macvlan, 'IFLA_MACVLAN_'),
  macvtap: renamer(LINK_DATA.macvtap, 'IFLA_MACVLAN_'),
  ipvlan: renamer(LINK_DATA.ipvlan, 'IFLA_IPVLAN_'),
  ipvtap: renamer(LINK_DATA.ipvtap, 'IFLA_IPVLAN_'),
  vrf: renamer(LINK_DATA.vrf, 'IFLA_VRF_'),
  tun: renamer(LINK_DATA.tun, 'IFLA_TUN_'),
}

const PORTS: Readonly<Record<string, Renamer>> = {
  bridge: renamer(LINK_PORT_DATA.bridge, 'IFLA_BRPORT_'),
  vrf: renamer(LINK_PORT_DATA.vrf, 'IFLA_VRF_PORT_'),
}

const KIND = /^[A-Za-z0-9_-]{1,32}$/

/** @throws ERR_INVALID_ARG_VALUE for what cannot be the name of a kind; whether the kernel has it, the kernel says */
export function checkKind(kind: unknown): string {
  if (typeof kind === 'string' && KIND.test(kind)) return kind
  throw invalidArgument('kind', "must be a kind of link such as 'veth' or 'bridge'", kind)
}

/** The attributes of IFLA_INFO_DATA. @throws ERR_INVALID_ARG_VALUE for options this kind does not have */
export function dataAttributes(kind: string, data: object): Record<string, unknown> {
  const rename = DATA[kind]
  if (rename === undefined) {
    throw invalidArgument('data', `must be left out: links of kind ${kind} take none that nsfd knows of`, data)
  }
  return rename.toAttributes(kind === 'vxlan' ? bySixes(data) : data, 'data')
}

export function portAttributes(kind: string, port: object): Record<string, unknown> {
  const rename = PORTS[kind]
  if (rename === undefined)
    throw invalidArgument('port', `must be left out: nsfd knows none of a port of ${kind}`, port)
  return rename.toAttributes(port, 'port')
}

export function friendlyData(kind: string, data: unknown): Record<string, unknown> | undefined {
  return friendly(DATA[kind], data)
}

export function friendlyPort(kind: string, data: unknown): Record<string, unknown> | undefined {
  return friendly(PORTS[kind], data)
}

function friendly(rename: Renamer | undefined, data: unknown): Record<string, unknown> | undefined {
  if (rename === undefined || data === undefined || data instanceof Uint8Array) return undefined
  return rename.toFriendly(data as Record<string, unknown> & { unknown?: UnknownAttribute[] })
}

/** A vxlan has one attribute for each family of its addresses; a person writes an address. */
function bySixes(data: object): object {
  const { group, local, ...rest } = data as { group?: string; local?: string }
  return { ...rest, ...byFamily('group', group), ...byFamily('local', local) }
}

function byFamily(name: string, address: string | undefined): object {
  if (address === undefined) return {}
  return { [familyOf(address, `data.${name}`) === 6 ? `${name}6` : name]: address }
}
