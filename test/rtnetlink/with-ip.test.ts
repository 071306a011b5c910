// Two namespaces with the same in them, one made by `ip`, one by us. Each is looked at by both: all that both know must agree,
// for each object, field by field. Then what ip sees of ours must be what it sees of its own.
import { describe, it } from 'node:test'
import type { Namespace } from 'nsfd'
import type { Route } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { makeAndCompare } from './beside-ip.js'

const MAC = (n: number) => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`

/** Every line is a command of ip; `far` stands for the other namespace. */
const BY_IP = `
link set lo up
link add br0 address ${MAC(1)} type bridge forward_delay 400 ageing_time 6000 priority 4096 mcast_snooping 0
link set br0 up addrgenmode none
link add v0 address ${MAC(2)} numtxqueues 3 numrxqueues 2 type veth peer name v1 address ${MAC(3)}
link set v0 master br0
link set v0 up type bridge_slave cost 7 priority 9 isolated on hairpin on learning off
link set v1 up mtu 1400 alias a_wire group 42 txqueuelen 77 arp on multicast off
link property add dev v1 altname a-much-longer-name-than-fits
link add v2 address ${MAC(4)} type veth peer name far address ${MAC(5)} netns FAR
link set v2 up
link add vx0 address ${MAC(6)} type vxlan id 42 group 239.1.1.1 dev v1 dstport 4789 ttl 5 nolearning
link add vx6 address ${MAC(7)} type vxlan id 43 remote 2001:db8::1 local 2001:db8::2 dstport 4790
link add mv0 address ${MAC(8)} link v1 type macvlan mode vepa
link add ifb0 address ${MAC(9)} type ifb
addr add 10.0.0.1/24 dev v1 brd 10.0.0.255 label v1:web
addr add 2001:db8:1::1/64 dev v1 nodad
addr add 10.9.0.1 peer 10.9.0.2 dev ifb0 noprefixroute
addr add 10.8.0.1/24 dev br0 metric 50 scope link
route add default via 10.0.0.2 mtu 1400 advmss 1300
route add 10.5.0.0/16 nexthop via 10.0.0.3 weight 3 nexthop via 10.0.0.4
route add blackhole 10.6.0.0/16
route add unreachable 10.60.0.0/16 metric 9
route add 10.7.0.0/16 via inet6 2001:db8:1::2 dev v1 table 1000
route add 10.70.0.0/16 via 192.0.2.1 dev v1 onlink src 10.0.0.1
route add 2001:db8:7::/48 via 2001:db8:1::9
neigh add 10.0.0.9 lladdr ${MAC(99)} dev v1
neigh add 2001:db8:1::7 lladdr ${MAC(98)} dev v1 nud noarp router
neigh add proxy 10.0.0.10 dev v1
nexthop add id 1 via 10.0.0.2 dev v1
nexthop add id 2 blackhole
nexthop add id 3 via 2001:db8:1::3 dev v1
nexthop add id 4 via 10.0.0.4 dev v1
nexthop add id 5 group 1,3/4,2
route add 10.80.0.0/16 nhid 5
rule add from 10.0.0.0/24 fwmark 7/0xff lookup 1000 pref 100
rule add not iif v1 ipproto tcp dport 80-90 blackhole pref 101
rule add to 10.1.2.3 uidrange 0-0 sport 5 lookup main suppress_prefixlength 0 pref 102
rule add goto 32766 pref 103
-6 rule add to 2001:db8::/32 oif v1 lookup 99 pref 104`

async function makeByUs(rt: Route, far: Namespace): Promise<void> {
  await rt.link.set('lo', { up: true })
  const bridge = { forwardDelay: 400, ageingTime: 6000, priority: 4096, mcastSnooping: false }
  await rt.link.add({ name: 'br0', kind: 'bridge', mac: MAC(1), data: bridge })
  await rt.link.set('br0', { up: true, addrGenMode: 'none' })
  const peer = { name: 'v1', mac: MAC(3) }
  await rt.link.add({ name: 'v0', kind: 'veth', mac: MAC(2), txQueues: 3, rxQueues: 2, peer })
  await rt.link.set('v0', { master: 'br0' })
  const port = { cost: 7, priority: 9, isolated: true, mode: true, learning: false }
  await rt.link.set('v0', { up: true, port })
  await rt.link.set('v1', {
    up: true,
    mtu: 1400,
    alias: 'a_wire',
    group: 42,
    txQueueLength: 77,
    arp: true,
    multicast: false,
  })
  await rt.link.addName('v1', 'a-much-longer-name-than-fits')
  await rt.link.add({ name: 'v2', kind: 'veth', mac: MAC(4), up: true, peer: { name: 'far', mac: MAC(5), netns: far } })
  const multicast = { id: 42, group: '239.1.1.1', port: 4789, ttl: 5, learning: false }
  await rt.link.add({ name: 'vx0', kind: 'vxlan', mac: MAC(6), link: 'v1', data: multicast })
  const six = { id: 43, group: '2001:db8::1', local: '2001:db8::2', port: 4790, learning: true }
  await rt.link.add({ name: 'vx6', kind: 'vxlan', mac: MAC(7), data: six })
  await rt.link.add({ name: 'mv0', kind: 'macvlan', mac: MAC(8), link: 'v1', data: { mode: 'vepa' } })
  await rt.link.add({ name: 'ifb0', kind: 'ifb', mac: MAC(9) })

  await rt.address.add({ dev: 'v1', address: '10.0.0.1/24', broadcast: '10.0.0.255', label: 'v1:web' })
  await rt.address.add({ dev: 'v1', address: '2001:db8:1::1/64', flags: ['nodad'] })
  await rt.address.add({ dev: 'ifb0', address: '10.9.0.1', peer: '10.9.0.2', flags: ['noprefixroute'] })
  await rt.address.add({ dev: 'br0', address: '10.8.0.1/24', metric: 50, scope: 'link' })

  await rt.route.add({ to: 'default', via: '10.0.0.2', metrics: { mtu: 1400, advmss: 1300 } })
  await rt.route.add({ to: '10.5.0.0/16', hops: [{ via: '10.0.0.3', weight: 3 }, { via: '10.0.0.4' }] })
  await rt.route.add({ to: '10.6.0.0/16', type: 'blackhole' })
  await rt.route.add({ to: '10.60.0.0/16', type: 'unreachable', metric: 9 })
  await rt.route.add({ to: '10.7.0.0/16', via: '2001:db8:1::2', dev: 'v1', table: 1000 })
  await rt.route.add({ to: '10.70.0.0/16', via: '192.0.2.1', dev: 'v1', onlink: true, source: '10.0.0.1' })
  await rt.route.add({ to: '2001:db8:7::/48', via: '2001:db8:1::9' })

  await rt.neighbour.add({ dev: 'v1', to: '10.0.0.9', mac: MAC(99) })
  await rt.neighbour.add({ dev: 'v1', to: '2001:db8:1::7', mac: MAC(98), state: 'noarp', flags: ['router'] })
  await rt.neighbour.add({ dev: 'v1', to: '10.0.0.10', flags: ['proxy'] })

  await rt.nexthop.add({ id: 1, via: '10.0.0.2', dev: 'v1' })
  await rt.nexthop.add({ id: 2, blackhole: true })
  await rt.nexthop.add({ id: 3, via: '2001:db8:1::3', dev: 'v1' })
  await rt.nexthop.add({ id: 4, via: '10.0.0.4', dev: 'v1' })
  await rt.nexthop.add({
    id: 5,
    group: [
      { id: 1, weight: 3 },
      { id: 4, weight: 2 },
    ],
  })
  await rt.route.add({ to: '10.80.0.0/16', nexthop: 5 })

  await rt.rule.add({ from: '10.0.0.0/24', mark: 7, mask: 0xff, table: 1000, priority: 100 })
  const web = { start: 80, end: 90 }
  await rt.rule.add({
    iif: 'v1',
    invert: true,
    ipProtocol: 6,
    destinationPort: web,
    action: 'blackhole',
    priority: 101,
  })
  const users = { start: 0, end: 0 }
  await rt.rule.add({ to: '10.1.2.3', uidRange: users, sourcePort: 5, suppressPrefixLength: 0, priority: 102 })
  await rt.rule.add({ goto: 32766, priority: 103 })
  await rt.rule.add({ to: '2001:db8::/32', oif: 'v1', table: 99, priority: 104 })
}

describe('what we see and make, beside ip', needs('admin', 'iproute2'), () => {
  everyTestEndsAtHome()

  it('agree on everything, in both', () => makeAndCompare(makeByUs, BY_IP))
})
