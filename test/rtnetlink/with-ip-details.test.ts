// What with-ip.test.ts leaves at its default, beside ip: every option of bridges and their ports, of vxlans, macvlans and tuns;
// lifetimes and flags of addresses, metrics and kinds of routes, rules, next hops, forwarding entries; ids.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Namespace } from 'nsfd'
import type { Route, RouteError } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { agree } from './agree.js'
import { type Make, makeAndCompare, seeAlike } from './beside-ip.js'
import { inside, ipJson } from './ip-view.js'
import { hasTun, place } from './links.js'

const MAC = (n: number) => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`
const PAIR = `
link add v1 address ${MAC(1)} type veth peer name v2 address ${MAC(2)}
link set v1 addrgenmode none
link set v2 addrgenmode none
link set v1 up
link set v2 up`

async function pair(rt: Route): Promise<void> {
  await rt.link.add({ name: 'v1', kind: 'veth', mac: MAC(1), peer: { name: 'v2', mac: MAC(2) } })
  for (const name of ['v1', 'v2']) await rt.link.set(name, { addrGenMode: 'none' })
  for (const name of ['v1', 'v2']) await rt.link.set(name, { up: true })
}

type Row = { ours: Make; theirs: string }

const ROWS: Readonly<Record<string, Row>> = {
  'a bridge': {
    async ours(rt) {
      const data = {
        helloTime: 300,
        maxAge: 3000,
        groupFwdMask: 8,
        groupAddr: '01:80:c2:00:00:0d',
        multiBoolopt: { optval: 1, optmask: 1 },
        mcastHashMax: 512,
        mcastLastMemberCnt: 3,
        mcastStartupQueryCnt: 3,
        mcastLastMemberIntvl: 200,
        mcastMembershipIntvl: 27000,
        mcastQuerierIntvl: 26000,
        mcastQueryIntvl: 13000,
        mcastQueryResponseIntvl: 900,
        mcastStartupQueryIntvl: 3200,
        mcastStatsEnabled: true,
        mcastIgmpVersion: 3,
        mcastMldVersion: 2,
        mcastQuerier: true,
        mcastQueryUseIfaddr: true,
        mcastRouter: 2,
        nfCallIptables: true,
        nfCallIp6tables: true,
        nfCallArptables: true,
      }
      await rt.link.add({ name: 'br0', kind: 'bridge', mac: MAC(9), data })
      await rt.link.add({ name: 'br1', kind: 'bridge', mac: MAC(8) })
      await rt.link.set('br1', { kind: 'bridge', data: { stpState: 1, ageingTime: 7000 } })
    },
    theirs: `
link add br0 address ${MAC(9)} type bridge hello_time 300 max_age 3000 group_fwd_mask 8 group_address 01:80:c2:00:00:0d no_linklocal_learn 1 mcast_hash_max 512 mcast_last_member_count 3 mcast_startup_query_count 3 mcast_last_member_interval 200 mcast_membership_interval 27000 mcast_querier_interval 26000 mcast_query_interval 13000 mcast_query_response_interval 900 mcast_startup_query_interval 3200 mcast_stats_enabled 1 mcast_igmp_version 3 mcast_mld_version 2 mcast_querier 1 mcast_query_use_ifaddr 1 mcast_router 2 nf_call_iptables 1 nf_call_ip6tables 1 nf_call_arptables 1
link add br1 address ${MAC(8)} type bridge
link set br1 type bridge stp_state 1 ageing_time 7000`,
  },
  'a port of a bridge': {
    async ours(rt) {
      await pair(rt)
      await rt.link.add({ name: 'br0', kind: 'bridge', mac: MAC(9) })
      await rt.link.set('v2', { master: 'br0' })
      const port = {
        guard: true,
        protect: true,
        fastLeave: true,
        unicastFlood: false,
        mcastFlood: false,
        bcastFlood: false,
        mcastToUcast: true,
        neighSuppress: true,
        proxyarp: true,
        proxyarpWifi: true,
        groupFwdMask: 8,
        multicastRouter: 2,
        locked: true,
      }
      await rt.link.set('v2', { port })
    },
    theirs: `${PAIR}
link add br0 address ${MAC(9)} type bridge
link set v2 master br0
link set v2 type bridge_slave guard on root_block on fastleave on flood off mcast_flood off bcast_flood off mcast_to_unicast on neigh_suppress on proxy_arp on proxy_arp_wifi on group_fwd_mask 8 mcast_router 2 locked on`,
  },
  vxlans: {
    async ours(rt) {
      await pair(rt)
      const one = {
        ...{ id: 1, port: 4789, ttl: 5, tos: 4, ageing: 100, limit: 50, portRange: { low: 4000, high: 5000 } },
        ...{ proxy: true, rsc: true, l2miss: true, l3miss: true, learning: true, udpCsum: false, gbp: true as const },
        ...{ remcsumTx: true, remcsumRx: true, df: 'set' as const },
      }
      await rt.link.add({ name: 'vx1', kind: 'vxlan', mac: MAC(3), link: 'v1', data: one })
      const two = {
        ...{ id: 2, port: 4790, local: '2001:db8::1', group: '2001:db8::2', learning: true },
        ...{ udpZeroCsum6Tx: true, udpZeroCsum6Rx: true, ttlInherit: true as const, df: 'inherit' as const },
      }
      await rt.link.add({ name: 'vx2', kind: 'vxlan', mac: MAC(4), data: two })
      await rt.link.add({
        name: 'vx3',
        kind: 'vxlan',
        data: { collectMetadata: true, port: 4791, learning: false, gpe: true },
      })
    },
    theirs: `${PAIR}
link add vx1 address ${MAC(3)} type vxlan id 1 dstport 4789 ttl 5 tos 4 ageing 100 maxaddress 50 srcport 4000 5000 proxy rsc l2miss l3miss noudpcsum gbp remcsumtx remcsumrx df set dev v1
link add vx2 address ${MAC(4)} type vxlan id 2 dstport 4790 local 2001:db8::1 remote 2001:db8::2 udp6zerocsumtx udp6zerocsumrx ttl inherit df inherit
link add vx3 type vxlan external dstport 4791 gpe`,
  },
  macvlans: {
    async ours(rt) {
      await pair(rt)
      const data = {
        mode: 'source' as const,
        bcQueueLen: 2000,
        macaddrMode: 'set' as const,
        macaddrData: { IFLA_MACVLAN_MACADDR: [MAC(0x21), MAC(0x22)] },
      }
      await rt.link.add({ name: 'mv1', kind: 'macvlan', mac: MAC(5), link: 'v1', data })
      await rt.link.add({ name: 'mv2', kind: 'macvlan', link: 'v2', data: { mode: 'passthru', flags: 1 } })
    },
    theirs: `${PAIR}
link add mv1 link v1 address ${MAC(5)} type macvlan mode source bcqueuelen 2000
link set link v1 dev mv1 type macvlan macaddr set ${MAC(0x21)} ${MAC(0x22)}
link add mv2 link v2 type macvlan mode passthru nopromisc`,
  },
  'what every link has': {
    async ours(rt) {
      await pair(rt)
      const offload = { gsoMaxSize: 30000, gsoMaxSegments: 100, groMaxSize: 30000 }
      await rt.link.set('v1', { ...offload, promiscuous: true, allMulticast: true, arp: false, mtu: 1280 })
      await rt.link.set('v2', { broadcast: 'ff:ff:ff:ff:ff:00', txQueueLength: 5, alias: 'Überall' })
    },
    theirs: `${PAIR}
link set v1 gso_max_size 30000 gso_max_segs 100 gro_max_size 30000
link set v1 promisc on allmulticast on arp off mtu 1280
link set v2 broadcast ff:ff:ff:ff:ff:00 txqueuelen 5 alias Überall`,
  },
  addresses: {
    async ours(rt) {
      await pair(rt)
      const add = (address: string, more: object) => rt.address.add({ dev: 'v1', address, ...more })
      await add('10.0.0.1/24', { validLifetime: 1000, preferredLifetime: 500 })
      await add('10.0.0.2/24', {})
      await add('10.0.1.2/24', { validLifetime: 1000, preferredLifetime: 0 })
      await add('10.0.2.2/24', { scope: 'host', metric: 77 })
      const flags = ['nodad', 'homeaddress', 'mngtmpaddr'] as const
      await add('2001:db8::1/64', { validLifetime: 1000, preferredLifetime: 500, flags: [...flags] })
      await add('2001:db8::3/64', { scope: 'site', flags: ['nodad'] })
      await add('2001:db8::4', { peer: '2001:db8:4::/64', flags: ['nodad', 'noprefixroute'] })
    },
    theirs: `${PAIR}
addr add 10.0.0.1/24 dev v1 valid_lft 1000 preferred_lft 500
addr add 10.0.0.2/24 dev v1
addr add 10.0.1.2/24 dev v1 valid_lft 1000 preferred_lft 0
addr add 10.0.2.2/24 dev v1 scope host metric 77
addr add 2001:db8::1/64 dev v1 valid_lft 1000 preferred_lft 500 nodad home mngtmpaddr
addr add 2001:db8::3/64 dev v1 scope site nodad
addr add 2001:db8::4 peer 2001:db8:4::/64 dev v1 nodad noprefixroute`,
  },
  routes: {
    async ours(rt) {
      await pair(rt)
      await rt.address.add({ dev: 'v1', address: '10.0.0.1/24' })
      await rt.address.add({ dev: 'v1', address: '2001:db8::1/64', flags: ['nodad'] })
      const metrics = {
        ...{ mtu: 1300, window: 5000, rtt: 800, rttvar: 200, ssthresh: 10, cwnd: 5, advmss: 1200, reordering: 5 },
        ...{ hoplimit: 60, initcwnd: 12, features: 1, rtoMin: 200, initrwnd: 13, quickack: 1, ccAlgo: 'cubic' },
        fastopenNoCookie: 1,
      }
      await rt.route.add({ to: '10.9.0.0/16', dev: 'v1', metrics, protocol: 'static' })
      await rt.route.add({ to: '10.10.0.0/16', dev: 'v1', tos: 4 })
      await rt.route.add({ to: '10.1.0.0/16', type: 'prohibit' })
      await rt.route.add({ to: '10.2.0.0/16', type: 'throw', table: 77 })
      await rt.route.add({ to: '10.3.0.1', type: 'local', dev: 'v1', table: 'local' })
      await rt.route.add({ to: '10.3.0.2', type: 'broadcast', dev: 'v1', table: 'local' })
      const hops = [
        { via: '192.0.2.1', dev: 'v1', onlink: true },
        { via: '2001:db8::9', dev: 'v1' },
      ]
      await rt.route.add({ to: '10.4.0.0/16', hops })
      const sixes = [{ via: '2001:db8::6' }, { via: '2001:db8::7', weight: 4 }]
      await rt.route.add({ to: '2001:db8:a::/48', hops: sixes })
      await rt.route.add({ to: '2001:db8:b::/48', dev: 'v1', expires: 100, preference: 'high', metric: 5 })
      await rt.route.add({ to: '2001:db8:c::/48', type: 'unreachable' })
      await rt.route.add({ to: '2001:db8:d::/48', from: '2001:db8::/64', dev: 'v1' })
    },
    theirs: `${PAIR}
addr add 10.0.0.1/24 dev v1
addr add 2001:db8::1/64 dev v1 nodad
route add 10.9.0.0/16 dev v1 proto static mtu 1300 window 5000 rtt 100ms rttvar 50ms ssthresh 10 cwnd 5 advmss 1200 reordering 5 hoplimit 60 initcwnd 12 features ecn rto_min 200ms initrwnd 13 quickack 1 congctl cubic fastopen_no_cookie 1
route add 10.10.0.0/16 dev v1 tos 4
route add prohibit 10.1.0.0/16
route add throw 10.2.0.0/16 table 77
route add local 10.3.0.1 dev v1
route add broadcast 10.3.0.2 dev v1
route add 10.4.0.0/16 nexthop via 192.0.2.1 dev v1 onlink nexthop via inet6 2001:db8::9 dev v1
-6 route add 2001:db8:a::/48 nexthop via 2001:db8::6 nexthop via 2001:db8::7 weight 4
-6 route add 2001:db8:b::/48 dev v1 expires 100 pref high metric 5
-6 route add unreachable 2001:db8:c::/48
-6 route add 2001:db8:d::/48 from 2001:db8::/64 dev v1`,
  },
  'rules and next hops': {
    async ours(rt) {
      await pair(rt)
      await rt.rule.add({ priority: 91, tos: 4, table: 5 })
      await rt.rule.add({ priority: 92, action: 'prohibit' })
      await rt.rule.add({ priority: 93, action: 'unreachable' })
      await rt.rule.add({ priority: 94, action: 'nop' })
      await rt.rule.add({ priority: 95, suppressGroup: 3, table: 5 })
      await rt.rule.add({ priority: 96, l3mdev: true })
      await rt.rule.add({ priority: 97, ipProtocol: 17, sourcePort: { start: 5, end: 6 }, table: 6 })
      await rt.address.add({ dev: 'v1', address: '10.0.0.1/24' })
      await rt.nexthop.add({ id: 1, via: '192.0.2.1', dev: 'v1', onlink: true, protocol: 'static' })
      await rt.nexthop.add({ id: 2, dev: 'v2', family: 6 })
      await rt.nexthop.add({ id: 4, group: [{ id: 1, weight: 200 }] })
    },
    theirs: `${PAIR}
rule add pref 91 dsfield 4 table 5
rule add pref 92 type prohibit
rule add pref 93 type unreachable
rule add pref 94 nop
rule add pref 95 suppress_ifgroup 3 table 5
rule add pref 96 l3mdev
rule add pref 97 ipproto udp sport 5-6 table 6
addr add 10.0.0.1/24 dev v1
nexthop add id 1 via 192.0.2.1 dev v1 onlink proto static
-6 nexthop add id 2 dev v2
nexthop add id 4 group 1,200`,
  },
  'neighbours and forwarding entries': {
    async ours(rt) {
      await pair(rt)
      await rt.link.add({ name: 'br0', kind: 'bridge', mac: MAC(9) })
      await rt.link.set('v2', { master: 'br0' })
      await rt.link.add({ name: 'vx2', kind: 'vxlan', mac: MAC(4), data: { id: 2, port: 4790, learning: true } })
      await rt.neighbour.add({ dev: 'v1', to: '10.0.0.8', mac: MAC(55), state: 'stale' })
      await rt.neighbour.add({ dev: 'v1', to: '10.0.0.9', mac: MAC(56), flags: ['extern_learn'] })
      const fdb = { family: 'bridge', dev: 'v2' } as const
      await rt.neighbour.add({ ...fdb, mac: MAC(0x77), flags: ['master'], state: 'noarp' })
      await rt.neighbour.add({ ...fdb, mac: MAC(0x79), flags: ['master', 'extern_learn'], state: 'reachable' })
      await rt.neighbour.add({ family: 'bridge', dev: 'vx2', mac: MAC(0x7a), to: '10.0.0.5', flags: ['self'] })
    },
    theirs: `${PAIR}
link add br0 address ${MAC(9)} type bridge
link set v2 master br0
link add vx2 address ${MAC(4)} type vxlan id 2 dstport 4790
neigh add 10.0.0.8 lladdr ${MAC(55)} dev v1 nud stale
neigh add 10.0.0.9 lladdr ${MAC(56)} dev v1 extern_learn
bridge fdb add ${MAC(0x77)} dev v2 master static
bridge fdb add ${MAC(0x79)} dev v2 master dynamic extern_learn
bridge fdb add ${MAC(0x7a)} dev vx2 dst 10.0.0.5 self permanent`,
  },
}

const TUNS: Row = {
  async ours(rt) {
    await rt.link.add({ name: 'tun0', kind: 'tun' })
    await rt.link.add({ name: 'tun1', kind: 'tun', data: { owner: 0, group: 0, pi: true, vnetHdr: true } })
    await rt.link.add({ name: 'tap0', kind: 'tap', mac: MAC(10), data: { multiQueue: true } })
    await rt.address.add({ dev: 'tun0', address: '10.9.0.1', peer: '10.9.0.2', flags: ['noprefixroute'] })
  },
  theirs: `
tuntap add tun0 mode tun
tuntap add tun1 mode tun user 0 group 0 pi vnet_hdr
tuntap add tap0 mode tap multi_queue
link set tap0 address ${MAC(10)}
addr add 10.9.0.1 peer 10.9.0.2 dev tun0 noprefixroute`,
}

/** Kinds that not every kernel has: where it refuses both, that is what is shown. */
const KINDS: Readonly<Record<string, Row>> = {
  dummy: {
    ours: async (rt) => void (await rt.link.add({ name: 'x0', kind: 'dummy', mac: MAC(3) })),
    theirs: `link add x0 address ${MAC(3)} type dummy`,
  },
  vlan: {
    async ours(rt) {
      await pair(rt)
      const data = { id: 5, protocol: '802.1ad' as const, flags: { flags: 4, mask: 5 } }
      await rt.link.add({ name: 'x0', kind: 'vlan', mac: MAC(3), link: 'v1', data })
    },
    theirs: `${PAIR}
link add x0 link v1 address ${MAC(3)} type vlan id 5 protocol 802.1ad reorder_hdr off loose_binding on`,
  },
  ipvlan: {
    async ours(rt) {
      await pair(rt)
      await rt.link.add({ name: 'x0', kind: 'ipvlan', link: 'v1', data: { mode: 'l3', flags: 0 } })
    },
    theirs: `${PAIR}
link add x0 link v1 type ipvlan mode l3`,
  },
  vrf: {
    async ours(rt) {
      await pair(rt)
      await rt.link.add({ name: 'x0', kind: 'vrf', mac: MAC(3), data: { table: 10 } })
      await rt.link.set('v1', { master: 'x0' })
    },
    theirs: `${PAIR}
link add x0 address ${MAC(3)} type vrf table 10
link set v1 master x0`,
  },
  wireguard: {
    ours: async (rt) => void (await rt.link.add({ name: 'x0', kind: 'wireguard' })),
    theirs: 'link add x0 type wireguard',
  },
  macvtap: {
    async ours(rt) {
      await pair(rt)
      await rt.link.add({ name: 'x0', kind: 'macvtap', mac: MAC(3), link: 'v1', data: { mode: 'bridge' } })
    },
    theirs: `${PAIR}
link add x0 link v1 address ${MAC(3)} type macvtap mode bridge`,
  },
}

/** What our methods have no option for is read all the same. */
const ONLY_BY_IP = `${PAIR}
link set v1 mode dormant
link add br0 address ${MAC(9)} type bridge
link set v2 master br0
addr add 10.0.0.1/24 dev v1
link add vx1 type vxlan id 1 dstport 4789
route add 10.9.0.0/16 dev v1 realm 3/5
rule add pref 97 from all realms 3/4 table 5
rule add pref 98 tun_id 5 table 5
rule add pref 99 protocol 5 table 5
nexthop add id 2 via 2001:db8::9 fdb
neigh add 10.0.0.11 lladdr ${MAC(57)} dev v1 nud reachable protocol 5
bridge fdb add ${MAC(0x7a)} dev vx1 dst 10.0.0.5 port 4000 vni 7 via v1`

describe('details, beside ip', needs('admin', 'iproute2'), () => {
  everyTestEndsAtHome()

  for (const [what, { ours, theirs }] of Object.entries(ROWS)) {
    it(`agree on ${what}, in both`, () => makeAndCompare(ours, theirs))
  }

  const noTun = hasTun() ? {} : { skip: '/dev/net/tun may not be opened here' }
  it('agree on tuns and taps, in both', noTun, () => makeAndCompare(TUNS.ours, TUNS.theirs))

  for (const [kind, { ours, theirs }] of Object.entries(KINDS)) {
    it(`agree on links of kind ${kind}, in both`, async (t) => {
      try {
        await makeAndCompare(ours, theirs)
      } catch (error) {
        const { code, message } = error as RouteError
        if (code !== 'ENOTSUP') throw error
        assert.match(message, new RegExp(`no module for links of kind '${kind}'`))
        await assert.rejects(seeAlike(theirs), /Unknown device type|not supported/, 'ip is refused as we are')
        t.skip(`this kernel has no links of kind ${kind}`)
      }
    })
  }

  it('agree on ids of namespaces, set by us and by ip', async () => {
    await using here = place()
    using ours = Namespace.create('net')
    using theirs = Namespace.create('net')
    const name = uniqueName('ids')
    theirs.pin(name)
    try {
      await here.rt.nsid.set(ours, 5)
      inside(here.ns.fd, 'ip', 'netns', 'set', name, '7')
      const seen = ipJson(here.ns.fd, 'ip', 'netns', 'list-id').map(({ nsid }) => nsid as number)
      assert.deepEqual(seen.sort(), [5, 7])
      assert.deepEqual((await here.rt.nsids()).sort(), seen)
      assert.deepEqual([await here.rt.nsid.get(ours), await here.rt.nsid.get(theirs)], [5, 7])
    } finally {
      Namespace.unpin(name)
    }
  })

  it('fail on a field that only ip knows', async () => {
    const look = async () => ({ ours: [{ a: 1 }], theirs: [{ a: 1, b: 2 }] })
    await assert.rejects(agree(look, 'things', 0), { code: 'ERR_ASSERTION' })
  })

  it('agree on what only ip makes', () => seeAlike(ONLY_BY_IP))
})
