// The same in two namespaces, made by us in one and by ip (tc, bridge) in the other, and each looked at by both: one look for
// each kind of object.
import { Namespace } from 'nsfd'
import { Route } from 'nsfd/rtnetlink'
import { agree, alike, type Both } from './agree.js'
import {
  addressView,
  forwardingView,
  inside,
  ipJson,
  type Json,
  type Names,
  neighbourView,
  nextHopView,
  routeView,
  ruleView,
  vlansView,
} from './ip-view.js'
import { linkView } from './link-view.js'
import { classView, qdiscView, theirClasses, theirQdiscs } from './tc-view.js'

/** Makes something in `ns`; `far` is another namespace, empty. */
export type Make = (rt: Route, far: Namespace, ns: Namespace) => Promise<void>

/** @param commands a line each; one without a command's name is ip's. `FAR` stands for the other namespace. */
export async function makeAndCompare(ours: Make, commands: string): Promise<void> {
  using near = Namespace.create('net')
  using theirs = Namespace.create('net')
  using far = Namespace.create('net')
  using theirFar = Namespace.create('net')
  await using rt = Route.open(near)
  await using other = Route.open(theirs)
  await ours(rt, far, near)
  makeByCommands(theirs, theirFar, commands)
  const [inOurs, inTheirs] = [await look(rt, near, 'what we made'), await look(other, theirs, 'what they made')]
  for (const what of Object.keys(LOOKS)) alike(inOurs[what] as Json[], inTheirs[what] as Json[], what)
}

/** What only the commands can make is at least seen alike. */
export async function seeAlike(commands: string): Promise<void> {
  using theirs = Namespace.create('net')
  using far = Namespace.create('net')
  await using rt = Route.open(theirs)
  makeByCommands(theirs, far, commands)
  await look(rt, theirs, 'what they made')
}

/** Everything there is, seen by both. */
async function look(rt: Route, ns: Namespace, where: string): Promise<Record<string, Json[]>> {
  const names = new Map((await rt.links()).map(({ index, name }) => [index, name]))
  const seen: Record<string, Json[]> = {}
  for (const [what, see] of Object.entries(LOOKS)) {
    seen[what] = await agree(() => see(rt, ns.fd, names), `${what} of ${where}`)
  }
  return seen
}

const COMMANDS = /^(ip|tc|bridge) /

export function makeByCommands(ns: Namespace, far: Namespace, commands: string): void {
  const netns = `/proc/${process.pid}/fd/${far.fd}`
  for (const line of commands.split('\n').filter((each) => each !== '')) {
    const words = (COMMANDS.test(line) ? line : `ip ${line}`).trim().replace('FAR', netns).split(' ')
    inside(ns.fd, ...words)
  }
}

/** What ip prints, brought to one level of keys as linkView has them. */
function theirLinks(fd: number): Json[] {
  return ipJson(fd, 'ip', 'link').map(({ linkinfo, ...link }) => {
    const { info_data = {}, info_slave_data = {}, ...kinds } = (linkinfo ?? {}) as Json
    return { ...link, ...kinds, info_data, info_slave_data }
  })
}

type Look = (rt: Route, fd: number, names: Names) => Promise<Both>

export const LOOKS: Readonly<Record<string, Look>> = {
  links: async (rt, fd, names) => ({
    ours: (await rt.links()).map((link, _i, all) => linkView(link, names, all)),
    theirs: theirLinks(fd),
  }),
  addresses: async (rt, fd, names) => ({
    ours: (await rt.addresses()).map((each) => ({ dev: names.get(each.index), ...addressView(each) })),
    theirs: ipJson(fd, 'ip', 'addr').flatMap(({ ifname, addr_info }) =>
      (addr_info as Json[]).map((each) => ({ dev: ifname, ...each })),
    ),
  }),
  routes: async (rt, fd, names) => ({
    ours: await routesOf(rt, names),
    theirs: [...ipJson(fd, 'ip', 'route', 'show', 'table', 'all')],
  }),
  neighbours: async (rt, fd, names) => ({
    ours: (await rt.neighbours()).map((each) => neighbourView(each, names)),
    theirs: ipJson(fd, 'ip', 'neigh', 'show', 'nud', 'all'),
  }),
  rules: async (rt, fd) => ({
    ours: (await rt.rules()).map(ruleView),
    theirs: [...ipJson(fd, 'ip', 'rule'), ...ipJson(fd, 'ip', '-6', 'rule')],
  }),
  nexthops: async (rt, fd, names) => ({
    ours: (await rt.nexthops()).map((hop) => nextHopView(hop, names)),
    theirs: ipJson(fd, 'ip', 'nexthop'),
  }),
  forwarding: async (rt, fd, names) => ({
    ours: (await rt.neighbours({ family: 'bridge' })).map((each) => forwardingView(each, names)),
    theirs: ipJson(fd, 'bridge', 'fdb'),
  }),
  ids: async (rt, fd) => ({
    ours: (await rt.nsids()).map((nsid) => ({ nsid })),
    theirs: ipJson(fd, 'ip', 'netns', 'list-id'),
  }),
  vlans: async (rt, fd, names) => ({
    ours: vlansView(await rt.bridgeVlans(), names),
    theirs: JSON.parse(inside(fd, 'bridge', '-j', 'vlan') || '[]') as Json[],
  }),
  qdiscs: async (rt, fd, names) => ({
    ours: (await rt.qdiscs()).map((each) => qdiscView(each, names)),
    theirs: theirQdiscs(ipJson(fd, 'tc', 'qdisc')),
  }),
  classes: async (rt, fd, names) => ({
    ours: (await Promise.all([...names.keys()].map((index) => rt.classes(index)))).flat().map(classView),
    theirs: [...names.values()].flatMap((name) => theirClasses(fd, name)),
  }),
}

async function routesOf(rt: Route, names: Names): Promise<Json[]> {
  const hops = await rt.nexthops()
  return (await rt.routes()).map((route) => routeView(route, names, hops))
}
