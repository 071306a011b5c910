// nsfd inspect TARGET: what a target is, and what the kernel says of it.
import { Command } from 'commander'
import { CAPABILITY_NAMES } from '../container/capabilities.js'
import { openTarget } from '../container/open-target.js'
import type { Target } from '../container/target.js'
import { Namespace } from '../namespace/namespace.js'
import { examples } from './options.js'
import { harmless, print, printJson } from './output.js'

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show what a container or process is: namespaces, ids, capabilities, cgroups, environment')
    .argument('<target>', 'a container, as for nsfd enter')
    .option('--json', 'as JSON')
    .addHelpText('after', examples('nsfd inspect docker:web', 'nsfd inspect pid:4242 --json'))
    .action(async (word: string, { json }: { json?: true }) => {
      using target = await openTarget(word)
      const facts = describe(target)
      if (json) return printJson(facts)
      for (const [name, value] of Object.entries(facts)) {
        if (value !== undefined && value !== null) print(`${`${name}:`.padEnd(19)}${lines(value)}`)
      }
    })
}

function describe(target: Target) {
  const { facts } = target
  return {
    target: `${target.engine}:${target.name}`,
    engine: target.engine,
    name: target.name,
    id: target.id,
    image: target.image ?? null,
    pid: target.pid ?? null,
    root: target.root ?? null,
    workingDirectory: target.workingDirectory ?? null,
    uid: facts?.inside.uid ?? null,
    gid: facts?.inside.gid ?? null,
    groups: facts?.inside.groups ?? null,
    uidMap: facts?.uidMap.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`) ?? null,
    gidMap: facts?.gidMap.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`) ?? null,
    capabilities: facts === undefined ? null : capabilityNames(facts.capabilities),
    noNewPrivileges: facts?.noNewPrivileges ?? null,
    seccomp: facts?.seccomp ?? null,
    namespaces: Object.fromEntries([...target.namespaces].map(([kind, each]) => [kind, namespaceFacts(each)])),
    cgroups:
      facts && Object.fromEntries(facts.cgroups.map(({ controllers, path }) => [controllers || 'unified', path])),
    labels: target.labels,
    environment: target.environment,
  }
}

function namespaceFacts(namespace: Namespace): { id: string; shared: boolean } {
  using ours = Namespace.current(namespace.kind)
  return { id: namespace.toString(), shared: namespace.equals(ours) }
}

function capabilityNames(bits: bigint): string[] {
  return CAPABILITY_NAMES.filter((_, bit) => (bits >> BigInt(bit)) & 1n)
}

/** One line of text, or one line an entry. */
function lines(value: unknown): string {
  if (Array.isArray(value)) return harmless(value.join(' '))
  if (typeof value !== 'object') return harmless(String(value))
  const entries = Object.entries(value as object).map(([name, each]) => harmless(`${name}: ${text(each)}`))
  return entries.join(`\n${' '.repeat(19)}`)
}

function text(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const { id, shared } = value as { id: string; shared: boolean }
  return shared ? `${id} (shared with you)` : id
}
