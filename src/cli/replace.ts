// Becoming the command: the main thread enters the namespaces and calls execve(2). Nothing of Node is left, not even a pid.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { CLONE } from '../kernel/constants.js'
import { errnoOf, systemError } from '../kernel/errors.js'
import { errno, libc } from '../kernel/libc.js'
import { keepOnExec, setns, unshare } from '../kernel/syscalls.js'
import { ENTER_HELP, KINDS, type Kind } from '../namespace/kinds.js'
import type { Namespace } from '../namespace/namespace.js'
import { EXIT } from './failure.js'
import { showNamedNetwork } from './named-network.js'

/** mnt last: from then on paths mean something else. */
const ORDER: Kind[] = ['net', 'uts', 'ipc', 'cgroup', 'mnt']
/** <bits/signum.h>: what Node ignores from its start on, and a command expects at their default. */
const IGNORED_BY_NODE = [13, 25] // SIGPIPE, SIGXFSZ
const SIG_DFL = 0

/** Whether every kind is one that the main thread of Node can enter; the others need a process of one thread. */
export function canReplace(namespaces: Namespace[]): boolean {
  return namespaces.every(({ kind }) => ORDER.includes(kind))
}

export function enterAndReplace(namespaces: Namespace[], line: string[], keepMounts: boolean): never {
  for (const kind of ORDER) {
    const namespace = namespaces.find((each) => each.kind === kind)
    if (namespace !== undefined) enter(namespace)
  }
  if (!keepMounts) showNamedNetwork(namespaces)
  return replace(line)
}

function enter(namespace: Namespace): void {
  const { kind, fd } = namespace
  const context = { kind, asked: `cannot enter ${namespace}`, next: ENTER_HELP }
  // This thread's cwd and root part from the other threads'; they end in a moment.
  if (kind === 'mnt') unshare(CLONE.CLONE_FS, context)
  setns(fd, KINDS[kind].flag, context)
}

/**
 * execvp(3): looks the command up in PATH, and hands on the environment as it came, byte by byte. Every descriptor of
 * Node and nsfd is O_CLOEXEC, and by Node's doing stdin, stdout and stderr too until here. They were never touched
 * otherwise, so a terminal is as it was.
 */
export function replace(line: string[], keep = [0, 1, 2]): never {
  for (const signal of IGNORED_BY_NODE) libc().signal(signal, SIG_DFL)
  for (const fd of keep) keepOnExec(fd)
  const [command = ''] = line
  libc().execvp(command, [...line, null])
  const failed = errno() === errnoOf('EACCES') && !isAnywhere(command) ? errnoOf('ENOENT') : errno()
  const error = systemError(failed, { syscall: 'execve', path: command, asked: 'cannot run the command' })
  process.stderr.write(`nsfd: ${error.message}\n`)
  process.exit(failed === errnoOf('ENOENT') ? EXIT.notFound : EXIT.cannotRun)
}

/** A directory of PATH that may not be searched makes execvp(3) say EACCES; a shell says that there is no such command. */
function isAnywhere(command: string): boolean {
  if (command.includes('/')) return true
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, command)))
}
