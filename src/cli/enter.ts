// nsfd enter TARGET [-- CMD…]: a shell or a command inside a container, as if it had been typed there.
import { Command, Option } from 'commander'
import { KIND_NAMES } from '../namespace/kinds.js'
import { enterInside } from './enter-inside.js'
import { examples } from './options.js'

export function enterCommand(): Command {
  const command = new Command('enter')
    .description('enter a container, or the namespaces of a process: a shell, or a command')
    .argument('<target>', 'docker:NAME, podman:NAME, containerd:NAMESPACE/ID, cri:ID, lxc:NAME, machine:NAME, pid:N, …')
    .argument('[command...]', 'the command and its arguments, after --; without one, a shell')
  for (const kind of KIND_NAMES) {
    command.addOption(new Option(`--${kind}`, `enter its ${kind} namespace; those not named are left out`))
  }
  return command
    .option('--no-root', 'keep your own files, tools and user: all namespaces but mnt and user')
    .option('--uid <uid[:gid]>', 'become this user over there')
    .option('--cwd <directory>', 'start in this directory over there')
    .option('--env <name=value>', 'set a variable over there, several times if wanted', collect)
    .option('--keep-cgroup', 'stay in your own cgroups')
    .option('--privileged', 'keep your own capabilities: not for containers you do not trust')
    .addHelpText(
      'after',
      `${examples(
        'nsfd enter docker:web                        a shell in the container',
        'nsfd enter web -- cat /etc/hosts             the one that goes by that name',
        'nsfd enter --net docker:web -- tcpdump -i eth0   your tools in its network',
        'nsfd enter --uid 1000 podman:db -- id',
        'nsfd enter net:red -- ip route',
      )}\n\nExit code: the command’s; 126, 127, 128+n as in a shell.`,
    )
    .action(enterInside)
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
