// nsfd add NAME: a new namespace that is held by its name.
import { Command } from 'commander'
import { hasCode } from '../kernel/errors.js'
import type { Kind } from '../namespace/kinds.js'
import { checkPinName } from '../namespace/names.js'
import { Namespace } from '../namespace/namespace.js'
import { examples, kindOption } from './options.js'
import { printJson } from './output.js'
import { describeNamespace } from './report.js'

type Options = { kind: Kind; existOk?: true; json?: true }

export function addCommand(): Command {
  return new Command('add')
    .description('create a namespace and give it a name')
    .argument('<name>', 'a name for it: a file under /run/netns, or /run/<kind>ns')
    .addOption(kindOption('the kind of namespace').default('net'))
    .option('--exist-ok', 'succeed if there is such a name already')
    .option('--json', 'print what was made')
    .addHelpText(
      'after',
      examples(
        'nsfd add red                    as ip netns add red',
        'nsfd add --kind uts build       a hostname of its own',
        'nsfd --rootless add red         without root',
      ),
    )
    .action(add)
}

function add(name: string, { kind, existOk, json }: Options): void {
  const existing = existOk ? openIfThere(name, kind) : undefined
  using namespace = existing ?? create(name, kind)
  if (json) printJson({ created: existing === undefined, name, ...describeNamespace(namespace) })
}

function create(name: string, kind: Kind): Namespace {
  checkPinName(name) // before anything is made, so that a bad name is said even to those who may make nothing
  const namespace = Namespace.create(kind)
  try {
    namespace.pin(name)
    return namespace
  } catch (error) {
    namespace.close()
    throw error
  }
}

/** Undefined where the name is free, or stale and to be taken over. */
function openIfThere(name: string, kind: Kind): Namespace | undefined {
  try {
    return Namespace.named(name, kind)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ERR_NSFD_NOT_A_NAMESPACE')) return undefined
    throw error
  }
}
