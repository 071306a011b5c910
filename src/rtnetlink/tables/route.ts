// Routes: struct rtmsg, and the attributes of RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE. <linux/rtnetlink.h>
import { bytes, ip, named, s32, str, u8, u16, u32 } from '../codec/scalars.js'
import { struct } from '../codec/struct.js'
import { nested, type Table, table } from '../codec/table.js'
import { malformed, type Type } from '../codec/type.js'

export const rtmsg = struct('rtmsg', {
  rtm_family: u8,
  rtm_dst_len: u8,
  rtm_src_len: u8,
  rtm_tos: u8,
  rtm_table: u8,
  rtm_protocol: u8,
  rtm_scope: u8,
  rtm_type: u8,
  rtm_flags: u32,
})

/** RTPROT_… of <linux/rtnetlink.h>, by the names of /etc/iproute2/rt_protos. */
export const RTPROT = {
  unspec: 0,
  redirect: 1,
  kernel: 2,
  boot: 3,
  static: 4,
  ra: 9,
  zebra: 11,
  bird: 12,
  dhcp: 16,
} as const
/** RT_SCOPE_… */
export const RT_SCOPE = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const
/** RTN_… */
export const RTN = {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
  nat: 10,
} as const
/** RT_TABLE_… */
export const RT_TABLE = { unspec: 0, default: 253, main: 254, local: 255 } as const
/** RTNH_F_… */
export const RTNH_F = { dead: 1, pervasive: 2, onlink: 4, offload: 8, linkdown: 16, unresolved: 32, trap: 64 } as const

export const METRICS = table('metrics', {
  RTAX_LOCK: [1, u32],
  RTAX_MTU: [2, u32],
  RTAX_WINDOW: [3, u32],
  RTAX_RTT: [4, u32],
  RTAX_RTTVAR: [5, u32],
  RTAX_SSTHRESH: [6, u32],
  RTAX_CWND: [7, u32],
  RTAX_ADVMSS: [8, u32],
  RTAX_REORDERING: [9, u32],
  RTAX_HOPLIMIT: [10, u32],
  RTAX_INITCWND: [11, u32],
  RTAX_FEATURES: [12, u32],
  RTAX_RTO_MIN: [13, u32],
  RTAX_INITRWND: [14, u32],
  RTAX_QUICKACK: [15, u32],
  RTAX_CC_ALGO: [16, str],
  RTAX_FASTOPEN_NO_COOKIE: [17, u32],
})

/** struct rtvia: a gateway of another family than its destination. */
const via: Type<{ family: number; address: string }> = {
  name: 'struct rtvia',
  read(buffer, start, end) {
    return { family: u16.read(buffer, start, end, {}), address: ip.read(buffer, start + 2, end, {}) }
  },
  write(writer, value, siblings, label) {
    u16.write(writer, value.family, siblings, `${label}.family`)
    ip.write(writer, value.address, siblings, `${label}.address`)
  },
}

/** One way of a multipath route: struct rtnexthop { len, flags, hops (weight - 1), ifindex } and attributes of ROUTE. */
export type NextHopValue = { flags: number; hops: number; ifindex: number; attributes: RouteAttributes }

const RTNH_HDRLEN = 8
const multipath: Type<NextHopValue[]> = {
  name: 'struct rtnexthop[]',
  read(buffer, start, end) {
    const hops: NextHopValue[] = []
    for (let at = start; end - at >= RTNH_HDRLEN; ) {
      const length = buffer.readUInt16LE(at)
      if (length < RTNH_HDRLEN || length > end - at) throw malformed(`a next hop says it has ${length} bytes`)
      hops.push({
        flags: buffer[at + 2] as number,
        hops: buffer[at + 3] as number,
        ifindex: buffer.readInt32LE(at + 4),
        attributes: routes().decode(buffer, at + RTNH_HDRLEN, at + length),
      })
      at += (length + 3) & ~3
    }
    return hops
  },
  write(writer, hops, siblings, label) {
    for (const hop of hops) {
      const start = writer.reserve(2)
      u8.write(writer, hop.flags, siblings, `${label}.flags`)
      u8.write(writer, hop.hops, siblings, `${label}.hops`)
      s32.write(writer, hop.ifindex, siblings, `${label}.ifindex`)
      routes().encode(writer, hop.attributes, label)
      writer.bytes.writeUInt16LE(writer.length - start, start)
    }
  },
}

const routes = (): Table<RouteAttributes> => ROUTE as Table<RouteAttributes>

/** Times in hundredths of a second (USER_HZ); expires is 0 where it never does, and what is left where it does. */
export const rta_cacheinfo = struct('rta_cacheinfo', {
  rta_clntref: u32,
  rta_lastuse: u32,
  rta_expires: s32,
  rta_error: u32,
  rta_used: u32,
  rta_id: u32,
  rta_ts: u32,
  rta_tsage: u32,
})

export const ROUTE = table('route', {
  RTA_DST: [1, ip],
  RTA_SRC: [2, ip],
  RTA_IIF: [3, u32],
  RTA_OIF: [4, u32],
  RTA_GATEWAY: [5, ip],
  RTA_PRIORITY: [6, u32],
  RTA_PREFSRC: [7, ip],
  RTA_METRICS: [8, nested(METRICS)],
  RTA_MULTIPATH: [9, multipath],
  RTA_FLOW: [11, u32],
  RTA_CACHEINFO: [12, rta_cacheinfo],
  RTA_TABLE: [15, u32],
  RTA_MARK: [16, u32],
  RTA_VIA: [18, via],
  RTA_PREF: [20, named(u8, { medium: 0, high: 1, low: 3 })],
  RTA_ENCAP_TYPE: [21, u16],
  RTA_ENCAP: [22, bytes],
  RTA_EXPIRES: [23, u32],
  RTA_UID: [25, u32],
  RTA_TTL_PROPAGATE: [26, u8],
  RTA_NH_ID: [30, u32],
})

/** The attributes a next hop may carry. */
export type RouteAttributes = {
  RTA_GATEWAY?: string | undefined
  RTA_VIA?: { family: number; address: string } | undefined
  RTA_FLOW?: number | undefined
  RTA_ENCAP_TYPE?: number | undefined
  RTA_ENCAP?: Uint8Array | undefined
  RTA_NH_ID?: number | undefined
}
