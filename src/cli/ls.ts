// nsfd ls: the namespaces of this machine, by their names and their processes.
import { Command } from 'commander'
import { type DiscoveredNamespace, type Discovery, discover } from '../discovery/discover.js'
import type { Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { examples, kindsOption } from './options.js'
import { harmless, paint, print, printJson, printTable } from './output.js'
import { describeNamespace } from './report.js'

type Options = { kind?: Kind[]; pins?: true; json?: true }

export function lsCommand(): Command {
  return new Command('ls')
    .description('list namespaces: pins and those of processes')
    .addOption(kindsOption('only this kind; may be given several times'))
    .option('--pins', 'only namespaces with a name, without looking at processes')
    .option('--json', 'print everything, every process too')
    .addHelpText(
      'after',
      examples(
        'nsfd ls                         everything',
        'nsfd ls --kind net              network namespaces',
        'nsfd ls --pins --json           names, for a program',
      ),
    )
    .action(ls)
}

async function ls({ kind, pins, json }: Options): Promise<void> {
  const found = await discover({ ...(kind && { kinds: kind }), processes: !pins, owners: json === true })
  if (json) printJson(asJson(found))
  else printFound(found, pins === true)
}

function asJson({ namespaces, stale, hidden }: Discovery) {
  return {
    namespaces: namespaces.map(({ kind, id, pins, processes, owner }) => ({
      ...describeNamespace({ kind, id }),
      ...(owner && { owner: describeNamespace({ kind: 'user', id: owner }).id }),
      pins,
      processes,
    })),
    stale: stale.map(({ kind, name, path }) => ({ kind, name, path })),
    hiddenProcesses: hidden,
  }
}

function printFound({ namespaces, stale, hidden }: Discovery, pinsOnly: boolean): void {
  const rows = [...namespaces.map((each) => row(each, pinsOnly)), ...stale.map(staleRow)]
  if (rows.length === 0) print('No namespace has a name. nsfd add NAME makes one.')
  else printTable(pinsOnly ? ['KIND', 'ID', 'NAMES'] : ['KIND', 'ID', 'PROCS', 'PID', 'NAMES', 'COMMAND'], rows)
  if (stale.length > 0)
    print(paint('yellow')('A stale name refers to nothing: it was left half-way. nsfd rm clears it away.'))
  if (hidden > 0) print(paint('dim')(`${hidden} processes of other users could not be looked at (run as root).`))

  function staleRow({ kind, name }: { kind: Kind; name: string }): string[] {
    const named = `${harmless(name)} (stale)`
    return pinsOnly ? [kind, '-', named] : [kind, '-', '0', '-', named, '']
  }
}

function row(found: DiscoveredNamespace, pinsOnly: boolean): string[] {
  const { kind, id, pins, processes } = found
  const names = pins.map(({ name, path }) => harmless(name ?? path)).join(', ')
  const ino = `${isHome(found) ? '*' : ''}${id.ino}`
  if (pinsOnly) return [kind, ino, names]
  const [first] = processes
  return [kind, ino, `${processes.length}`, `${first?.pid ?? '-'}`, names || '-', harmless(first?.command ?? '')]
}

/** The star: the namespace that nsfd itself, and so the shell it was typed into, is in. */
function isHome({ kind, id }: DiscoveredNamespace): boolean {
  using own = Namespace.current(kind)
  return own.id.ino === id.ino && own.id.dev === id.dev
}
