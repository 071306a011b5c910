// nsfd doctor: what this machine, this Node and this user allow, and what to do about the rest.
import { Command } from 'commander'
import { type Check, examine, type Feature } from './doctor-checks.js'
import { EXIT } from './failure.js'
import { examples } from './options.js'
import { paint, print, printJson } from './output.js'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what works on this machine, and what to do about what does not')
    .option('--json', 'print it for a program')
    .addHelpText(
      'after',
      `${examples('nsfd doctor', 'nsfd --rootless doctor          what works with --rootless', 'nsfd doctor --json')}\n\nExit code: 0 if nsfd works at all, as you or with --rootless; 1 if not.`,
    )
    .action(doctor)
}

async function doctor({ json }: { json?: true }): Promise<void> {
  const { checks, features } = await examine()
  if (json) printJson({ checks, features })
  else {
    print(paint('bold')('This machine'))
    for (const check of checks) printCheck(check)
    print(`\n${paint('bold')('What works')}`)
    for (const feature of features) printFeature(feature)
  }
  if (!features.some(({ works }) => works)) process.exitCode = EXIT.failure
}

const MARKS = { ok: ['✓', 'green'], note: ['·', 'dim'], warning: ['!', 'yellow'], bad: ['✗', 'red'] } as const

function printCheck({ name, status, found, advice }: Check): void {
  const [mark, colour] = MARKS[status]
  print(`  ${paint(colour)(mark)} ${name.padEnd(20)}${found}`)
  if (advice !== undefined) print(`    ${' '.repeat(20)}${paint('dim')(`→ ${advice}`)}`)
}

function printFeature({ name, works, because }: Feature): void {
  const mark = works ? paint('green')('✓') : paint('red')('✗')
  print(`  ${mark} ${name}${works || because === undefined ? '' : `: ${because}`}`)
}
