// nsfd pin TARGET NAME: a name for a namespace that exists already.
import { Command } from 'commander'
import { hasCode } from '../kernel/errors.js'
import type { Kind } from '../namespace/kinds.js'
import { Namespace } from '../namespace/namespace.js'
import { examples, kindOption } from './options.js'
import { printJson } from './output.js'
import { describeNamespace } from './report.js'
import { openTarget } from './target.js'

type Options = { kind?: Kind; existOk?: true; json?: true }

export function pinCommand(): Command {
  return new Command('pin')
    .description('give a name to a namespace that exists')
    .argument('<target>', 'a pid, a path (with a slash), or the name of a pin')
    .argument('<name>', 'the name for it')
    .addOption(kindOption('the kind of namespace (default: net, or what the path is)'))
    .option('--exist-ok', 'succeed if that very namespace has that name already')
    .option('--json', 'print what was pinned')
    .addHelpText(
      'after',
      examples(
        'nsfd pin 4242 web               the net namespace of process 4242',
        'nsfd pin --kind mnt 4242 web    its mnt namespace',
        'nsfd pin /proc/4242/ns/uts web  by path',
      ),
    )
    .action(pin)
}

function pin(target: string, name: string, { kind, existOk, json }: Options): void {
  using namespace = openTarget(target, kind === undefined ? {} : { kinds: [kind] })[0] as Namespace
  const created = giveName(namespace, name, existOk === true)
  if (json) printJson({ created, name, ...describeNamespace(namespace) })
}

function giveName(namespace: Namespace, name: string, existOk: boolean): boolean {
  try {
    namespace.pin(name)
    return true
  } catch (error) {
    if (existOk && hasCode(error, 'EEXIST') && isAt(namespace, name)) return false
    throw error
  }
}

function isAt(namespace: Namespace, name: string): boolean {
  using there = Namespace.named(name, namespace.kind)
  return there.equals(namespace)
}
