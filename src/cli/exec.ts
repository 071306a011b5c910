// nsfd exec TARGET -- CMD…: becomes the command, inside. Where the kernel needs a process of one thread, it stays and waits.
import { Command } from 'commander'
import { type ExecOptions, execInside } from './exec-inside.js'
import { examples, kindsOption } from './options.js'

export function execCommand(): Command {
  const exec = new Command('exec')
    .description('run a command inside namespaces; its exit code is the result')
    .argument('<target>', 'a pid, a path (with a slash), or the name of a pin')
    .argument('[command...]', 'the command and its arguments, after --')
    .addOption(kindsOption('the kind to enter, several times if wanted (default: net, or what the path is)'))
    .option('--all', 'with a pid: every kind in which that process differs from you')
    .option('--keep-mounts', 'with the name of a net pin: leave /sys and /etc as they are')
    .passThroughOptions()
    .addHelpText(
      'after',
      examples(
        'nsfd exec red -- ip addr        as ip netns exec red ip addr',
        'nsfd exec 4242 -- ss -tln       in the net namespace of process 4242',
        'nsfd exec 4242 --kind uts --kind mnt -- hostname',
        'nsfd exec 4242 --all -- sh      in all namespaces of process 4242',
        'nsfd exec /proc/4242/ns/ipc -- ipcs',
      ) +
        '\n\nThe name of a net pin gives the command what ip netns exec gives: /sys of that namespace, and\n/etc/netns/NAME/* in place of /etc/*. Exit code: the command’s; 126, 127, 128+n as in a shell.',
    )
  return exec.action((target: string, words: string[], options: ExecOptions) => run(exec, target, words, options))
}

async function run(exec: Command, target: string, words: string[], options: ExecOptions): Promise<void> {
  const line = commandAfterOptions(exec, words)
  if (line.length === 0) exec.error('nsfd: no command given: nsfd exec TARGET -- COMMAND [ARGUMENT…]')
  await execInside(target, line, options)
}

/** Options may stand between the target and `--` too: what is before `--` there is parsed like the rest. */
function commandAfterOptions(exec: Command, words: string[]): string[] {
  if (!words[0]?.startsWith('-')) return words
  const end = words.indexOf('--')
  const { operands, unknown } = exec.parseOptions(end === -1 ? words : words.slice(0, end))
  const [strange] = unknown
  if (strange !== undefined) exec.error(`nsfd: unknown option '${strange}': put -- before the command`)
  if (end === -1) return operands
  if (operands[0] !== undefined) exec.error(`nsfd: unexpected '${operands[0]}' before --`)
  return words.slice(end + 1)
}
