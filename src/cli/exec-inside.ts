// What nsfd exec does once the line is understood; loads no parser, because each of its milliseconds is the command's.
import type { Kind } from '../namespace/kinds.js'
import type { Namespace } from '../namespace/namespace.js'
import { EXIT } from './failure.js'
import { canReplace, enterAndReplace } from './replace.js'
import { openTarget } from './target.js'

export type ExecOptions = { kind?: Kind[]; all?: true; keepMounts?: true }

/** Becomes the command where the kernel allows that; otherwise waits for it and sets the exit code. */
export async function execInside(target: string, line: string[], options: ExecOptions): Promise<void> {
  const { kind, all, keepMounts } = options
  const namespaces = openTarget(target, { ...(kind && { kinds: kind }), ...(all && { all }) })
  if (canReplace(namespaces)) enterAndReplace(namespaces, line, keepMounts === true)
  process.exitCode = await runAsChild(namespaces, line, keepMounts === true)
}

/** Namespaces that only a process of one thread can enter, and pid, which its children are in. */
async function runAsChild(namespaces: Namespace[], line: string[], keepMounts: boolean): Promise<number> {
  const [{ spawn }, { visit }, { showNamedNetwork }, { waitAsIfReplaced }] = await Promise.all([
    import('../process/spawn.js'),
    import('../namespace/thread.js'),
    import('./named-network.js'),
    import('./wait.js'),
  ])
  const net = namespaces.find((each) => each.kind === 'net')
  if (net !== undefined && !keepMounts) visit('net', net.fd, () => showNamedNetwork(namespaces))
  const [program = '', ...args] = line
  const result = await waitAsIfReplaced(() => {
    const child = spawn(namespaces, program, args, { stdio: 'inherit' })
    for (const each of namespaces) each.close()
    return child
  })
  if (typeof result === 'number') return result
  process.stderr.write(`nsfd: ${result.message}\n`)
  return result.code === 'ENOENT' ? EXIT.notFound : EXIT.cannotRun
}
