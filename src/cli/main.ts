// The command line that needs parsing: finds the command, loads that one only, and runs it. nsfd.ts comes before it.
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { reportFailure } from './failure.js'
import { isInsideRootless } from './rootless-marker.js'

const COMMANDS: Record<string, () => Promise<Command>> = {
  add: async () => (await import('./add.js')).addCommand(),
  rm: async () => (await import('./rm.js')).rmCommand(),
  pin: async () => (await import('./pin.js')).pinCommand(),
  ls: async () => (await import('./ls.js')).lsCommand(),
  exec: async () => (await import('./exec.js')).execCommand(),
  link: async () => (await import('./link.js')).linkCommand(),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
  demo: async () => {
    await import('../context/run.js') // the demo runs things inside
    return (await import('./demo.js')).demoCommand()
  },
  enter: async () => (await import('./enter.js')).enterCommand(),
  ps: async () => (await import('./ps.js')).psCommand(),
  inspect: async () => (await import('./inspect.js')).inspectCommand(),
  cp: async () => (await import('./cp.js')).cpCommand(),
  stop: async () => (await import('./stop.js')).stopCommand(),
}

const EXIT_CODES = `
Exit codes: 0 done; 1 it failed, stderr says why; 2 it was not understood.
exec: the command's own; 126 it cannot be run; 127 it does not exist; 128+n it was killed by signal n.
NSFD_DEBUG=1 shows where in nsfd an error comes from.`

export async function main(): Promise<void> {
  try {
    await run()
  } catch (error) {
    process.exitCode = reportFailure(error)
  }
}

async function run(): Promise<void> {
  endQuietlyWhenNobodyReads()
  const [{ Command }, { examples, mannered }] = await Promise.all([import('commander'), import('./options.js')])
  const program = mannered(new Command('nsfd'))
    .description('Linux namespaces: name them, see them, run commands in them.')
    .version(version(), '-v, --version', 'show the version')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      examples(
        'nsfd add red',
        'nsfd exec red -- ip link',
        'nsfd ls',
        'nsfd --rootless add red         without root',
        'nsfd doctor                     what works on this machine',
      ) +
        '\n' +
        EXIT_CODES,
    )
    .hook('preAction', async (_, action) => {
      if (action.optsWithGlobals().rootless || (await needsRootless(action))) await goRootless(action)
    })
  const args = process.argv.slice(2)
  const word = args.find((arg) => !arg.startsWith('-')) ?? ''
  const needed = Object.hasOwn(COMMANDS, word) ? [word] : Object.keys(COMMANDS)
  for (const name of needed) program.addCommand(mannered(await (COMMANDS[name] as () => Promise<Command>)()))
  if (args.length === 0) program.help({ error: true })
  await program.parseAsync()
}

/** The demo shows itself to everybody. */
async function needsRootless(action: Command): Promise<boolean> {
  if (action.name() !== 'demo' || isInsideRootless()) return false
  const { hasCapability } = await import('../kernel/privilege.js')
  if (hasCapability('CAP_SYS_ADMIN')) return false
  process.stderr.write('nsfd: without root, the demo runs in a user namespace, as with --rootless\n')
  return true
}

/** Takes the same command line into the user namespace; what happens there is all that happens. */
async function goRootless(action: Command): Promise<void> {
  if (isInsideRootless()) return
  const { runRootless } = await import('./rootless.js')
  process.exit(await runRootless(action.name()))
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

/** nsfd ls | head: the reader has gone, and that is no error. */
function endQuietlyWhenNobodyReads(): void {
  if (['exec', 'enter'].includes(process.argv[2] ?? '')) return // the streams are their command's, not to be touched
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    throw error
  })
}
