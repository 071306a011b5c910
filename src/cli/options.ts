// Options and manners that several commands share.
import { type Command, Option } from 'commander'
import { KIND_NAMES, type Kind } from '../namespace/kinds.js'
import { EXIT } from './failure.js'

/** The manners of every command: usage errors are one line of ours, and exit with 2; --rootless anywhere before `--`. */
export function mannered(command: Command): Command {
  return command
    .addOption(new Option('--rootless', 'work in a user namespace of your own, without root'))
    .showSuggestionAfterError()
    .helpOption('-h, --help', 'show this help')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'nsfd: ')) })
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : EXIT.usage)
    })
}

export function kindOption(description: string): Option {
  return new Option('-k, --kind <kind>', description).choices(KIND_NAMES)
}

/** --kind, as often as one likes. */
export function kindsOption(description: string): Option {
  const option = new Option('-k, --kind <kind>', description).choices(KIND_NAMES)
  const check = option.parseArg as (value: string, before: unknown) => string
  return option.argParser((value: string, before: Kind[] | undefined) => [
    ...(before ?? []),
    check(value, undefined) as Kind,
  ])
}

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`
}
