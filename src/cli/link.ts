// nsfd link: the links of namespaces: see them, make them, move them, watch them.
import { Command, InvalidArgumentError } from 'commander'
import { Namespace } from '../namespace/namespace.js'
import { Route, type RouteEvent } from '../rtnetlink/index.js'
import type { LinkAdd } from '../rtnetlink/objects/link-options.js'
import { UsageError } from './failure.js'
import { allLinks, type LinkRow, linksOf } from './link-rows.js'
import { examples } from './options.js'
import { harmless, paint, print, printJson, printTable } from './output.js'
import { openTarget } from './target.js'

export function linkCommand(): Command {
  return new Command('link')
    .description('network links: list, add, delete, move between namespaces, watch')
    .addCommand(listCommand())
    .addCommand(addCommand())
    .addCommand(deleteCommand())
    .addCommand(moveCommand())
    .addCommand(watchCommand())
}

const inOption = ['-n, --netns <ns>', 'the namespace it is in: a pin, a pid or a path (default: this one)'] as const

function listCommand(): Command {
  return new Command('ls')
    .description('list links with their addresses, and where the far end of each veth is')
    .argument('[ns]', 'a pin, a pid or a path (default: this namespace)')
    .option('-a, --all', 'of this namespace and of all that have a name')
    .option('--json', 'print everything the kernel tells')
    .addHelpText('after', examples('nsfd link ls red', 'nsfd link ls --all', 'nsfd link ls 4242 --json'))
    .action(list)
}

function addCommand(): Command {
  return new Command('add')
    .description('add a link')
    .argument('<name>', 'at most 15 bytes')
    .requiredOption('-t, --type <kind>', 'veth, bridge, vlan, vxlan, macvlan, dummy, ifb, tun, tap, …')
    .option(...inOption)
    .option('--peer <name>', 'of a veth: the name of its far end')
    .option('--peer-netns <ns>', 'of a veth: where its far end is born')
    .option('--link <name>', 'of a vlan, macvlan, …: what it sits on')
    .option('--master <name>', 'the bridge to become a port of')
    .option('--id <number>', 'of a vlan or vxlan', wholeNumber)
    .option('--mtu <bytes>', 'the largest packet', wholeNumber)
    .option('--mac <address>', 'the hardware address')
    .option('--address <prefix>', 'an internet address such as 10.0.0.1/24')
    .option('--peer-address <prefix>', 'of a veth: an internet address of its far end')
    .option('--up', 'set it, and its far end, up')
    .addHelpText(
      'after',
      examples(
        'nsfd link add br0 -t bridge --up',
        'nsfd link add v0 -t veth -n red --peer v1 --peer-netns blue --address 10.0.0.1/24 --peer-address 10.0.0.2/24 --up',
      ),
    )
    .action(add)
}

function deleteCommand(): Command {
  return new Command('rm')
    .description('delete a link')
    .argument('<name>')
    .option(...inOption)
    .action(async (name: string, { netns }: { netns?: string }) => {
      using ns = openNet(netns)
      await using route = Route.open(ns)
      await route.link.delete(name)
    })
}

function moveCommand(): Command {
  return new Command('move')
    .description('move a link to another namespace; its addresses stay behind')
    .argument('<name>')
    .argument('<ns>', 'where to: a pin, a pid or a path')
    .option(...inOption)
    .option('--name <name>', 'its name there')
    .option('--up', 'set it up there')
    .addHelpText('after', examples('nsfd link move eth1 red', 'nsfd link move v0 4242 --name eth0 --up'))
    .action(move)
}

function watchCommand(): Command {
  return new Command('watch')
    .description('tell what changes: links, addresses, routes, neighbours, namespace ids; until interrupted')
    .argument('[ns...]', 'pins, pids or paths (default: this namespace)')
    .option('--json', 'one line of JSON for each event')
    .addHelpText('after', examples('nsfd link watch red blue', 'nsfd link watch --json'))
    .action(watch)
}

async function list(word: string | undefined, { all, json }: { all?: true; json?: true }): Promise<void> {
  if (all && word !== undefined) throw new UsageError('Either --all or one namespace')
  using ns = all ? undefined : openNet(word)
  const rows = ns === undefined ? await allLinks() : await linksOf(ns, word)
  if (json) printJson(rows.map((row) => ({ ...row, link: row.link.toJSON() })))
  else printRows(rows, all === true)
}

function printRows(rows: LinkRow[], withNamespace: boolean): void {
  const titles = [...(withNamespace ? ['NAMESPACE'] : []), 'INDEX', 'NAME', 'KIND', 'STATE', 'MTU', 'PEER', 'ADDRESSES']
  const cells = rows.map(({ namespace, link, peer, addresses }) => [
    ...(withNamespace ? [harmless(namespace)] : []),
    String(link.index),
    harmless(link.name),
    link.kind ?? String(link.type),
    link.up ? String(link.operState).toLowerCase() : 'off',
    String(link.mtu),
    peer === undefined ? '-' : harmless(peer),
    addresses.join(' '),
  ])
  printTable(titles, cells)
}

type AddOptions = {
  type: string
  netns?: string
  peer?: string
  peerNetns?: string
  link?: string
  master?: string
  id?: number
  mtu?: number
  mac?: string
  address?: string
  peerAddress?: string
  up?: true
}

async function add(name: string, options: AddOptions): Promise<void> {
  const { type, netns, peer, peerNetns, peerAddress, id, address, ...settings } = options
  if (type !== 'veth' && (peer ?? peerNetns ?? peerAddress) !== undefined) {
    throw new UsageError('--peer, --peer-netns and --peer-address are for a veth')
  }
  if (peerAddress !== undefined && peer === undefined) throw new UsageError('--peer-address needs --peer')
  using ns = openNet(netns)
  using far = peerNetns === undefined ? undefined : openNet(peerNetns)
  await using route = Route.open(ns)
  const peerSettings = {
    ...(peer !== undefined && { name: peer }),
    ...(far && { netns: far }),
    ...(settings.up && { up: true }),
  }
  const made = await route.link.add({
    name,
    kind: type,
    ...settings,
    ...(id !== undefined && { data: { id } }),
    ...(type === 'veth' && { peer: peerSettings }),
  } as LinkAdd)
  try {
    if (address !== undefined) await route.address.add({ dev: made.index, address })
    if (peerAddress === undefined) return
    await using there = Route.open(far ?? ns)
    await there.address.add({ dev: peer as string, address: peerAddress })
  } catch (error) {
    await route.link.delete(made.index)
    throw error
  }
}

type MoveOptions = { netns?: string; name?: string; up?: true }

async function move(name: string, word: string, { netns, name: newName, up }: MoveOptions): Promise<void> {
  using from = openNet(netns)
  using to = openNet(word)
  await using route = Route.open(from)
  await route.link.set(name, { netns: to, ...(newName !== undefined && { name: newName }) })
  if (!up) return
  await using there = Route.open(to)
  await there.link.set(newName ?? name, { up: true })
}

async function watch(words: string[], { json }: { json?: true }): Promise<void> {
  const several = words.length > 1
  await Promise.all((words.length === 0 ? [undefined] : words).map((word) => watchOne(word, several, json === true)))
}

async function watchOne(word: string | undefined, several: boolean, json: boolean): Promise<void> {
  using ns = openNet(word)
  await using route = Route.open(ns)
  for await (const event of route.watch({ keepAlive: true })) {
    if (json) print(JSON.stringify({ ...(word !== undefined && { namespace: word }), ...event }))
    else print(`${several ? `${harmless(word ?? '')}: ` : ''}${describe(event)}`)
  }
}

function describe(event: RouteEvent): string {
  if (event.type === 'overrun') return paint('yellow')('events were lost; all there is follows')
  if (event.type === 'synced') return paint('yellow')('that is all there is')
  const about = {
    link: () => event.type === 'link' && `${harmless(event.link.name)} ${event.link.up ? event.link.operState : 'off'}`,
    address: () => event.type === 'address' && `${event.address.address}/${event.address.prefixLength}`,
    route: () => event.type === 'route' && `${event.route.to}${event.route.via ? ` via ${event.route.via}` : ''}`,
    neighbour: () =>
      event.type === 'neighbour' && `${event.neighbour.to ?? ''} ${event.neighbour.mac ?? ''} ${event.neighbour.state}`,
    rule: () => event.type === 'rule' && String(event.rule.priority),
    nexthop: () => event.type === 'nexthop' && String(event.nexthop.id),
    nsid: () => event.type === 'nsid' && String(event.nsid),
  }[event.type]()
  const sign = event.action === 'new' ? paint('green')('+') : paint('red')('-')
  return `${sign} ${event.type} ${about}`
}

function openNet(word: string | undefined): Namespace {
  return word === undefined ? Namespace.current('net') : (openTarget(word, { kinds: ['net'] })[0] as Namespace)
}

function wholeNumber(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}
