// nsfd rm NAME…: takes names away. A namespace goes when nothing else holds it.
import { Command } from 'commander'
import { hasCode } from '../kernel/errors.js'
import type { Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { reportFailure } from './failure.js'
import { examples, kindOption } from './options.js'
import { printJson } from './output.js'

type Options = { kind: Kind; force?: true; json?: true }

export function rmCommand(): Command {
  return new Command('rm')
    .description('remove the names of namespaces, stale ones too')
    .argument('<name...>', 'the names to remove; all are tried, even if one fails')
    .addOption(kindOption('the kind of namespace').default('net'))
    .option('-f, --force', 'a name that does not exist is no failure')
    .option('--json', 'print what was removed')
    .addHelpText(
      'after',
      examples(
        'nsfd rm red                     as ip netns del red',
        'nsfd rm -f red blue             whether they exist or not',
      ),
    )
    .action(rm)
}

function rm(names: string[], { kind, force, json }: Options): void {
  const removed: string[] = []
  for (const name of new Set(names)) {
    try {
      Namespace.unpin(name, kind)
      removed.push(name)
    } catch (error) {
      if (force && hasCode(error, 'ENOENT')) continue
      process.exitCode = Math.max(Number(process.exitCode ?? 0), reportFailure(error))
    }
  }
  if (json) printJson({ kind, removed })
}
