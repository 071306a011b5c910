// nsfd cp: files and directories between this machine and a container, whatever the container makes of its paths.
import { Command } from 'commander'
import type { CopyOptions, CopyResult } from '../container/copy.js'
import { openTarget } from '../container/open-target.js'
import { UsageError } from './failure.js'
import { examples } from './options.js'
import { harmless, printJson, warn } from './output.js'

type Options = { maxBytes?: string; json?: true }

export function cpCommand(): Command {
  return new Command('cp')
    .description('copy files and directories into a container, or out of it')
    .argument('<from>', 'a path here, or TARGET:/path')
    .argument('<to>', 'a path here, or TARGET:/path')
    .option('--max-bytes <number>', 'give up when more than this would be copied (default: 4 GiB)')
    .option('--json', 'say what was copied, as JSON')
    .addHelpText(
      'after',
      examples('nsfd cp docker:web:/etc/nginx ./nginx', 'nsfd cp ./index.html web:/srv/www/') +
        '\n\nLeft out, with a line on stderr: devices, FIFOs, sockets, and links that lead out of what is copied out.\nA path here that contains ":/" is written ./so:/that.',
    )
    .action(copy)
}

async function copy(from: string, to: string, { maxBytes, json }: Options): Promise<void> {
  const [source, destination] = [parse(from), parse(to)]
  const options: CopyOptions = maxBytes === undefined ? {} : { maxBytes: bytes(maxBytes) }
  const word = source.target ?? destination.target
  if (word === undefined || (source.target !== undefined && destination.target !== undefined)) {
    throw new UsageError('One of the two must be in a container, TARGET:/path, and the other here')
  }
  using target = await openTarget(word)
  const out = source.target !== undefined
  const result = await (out
    ? target.fs.copyOut(source.path, destination.path, options)
    : target.fs.copyIn(source.path, destination.path, options))
  report(result, json === true)
}

function report(result: CopyResult, json: boolean): void {
  if (json) printJson(result)
  else for (const { path, reason } of result.skipped) warn(harmless(`left out ${path}: ${reason}`))
}

/** TARGET:/path, told by the first ":/"; what begins with a dot or a slash is here. */
function parse(text: string): { target?: string; path: string } {
  const [, target, path] = /^([^./][^/]*(?:\/[^/]*?)?):(\/.*)$/.exec(text) ?? []
  return target === undefined || path === undefined ? { path: text } : { target, path }
}

function bytes(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new UsageError(`--max-bytes takes a number of bytes: not '${text}'`)
}
