// nsfd --rootless stop: ends the user namespace that --rootless keeps, and with it the names in there.
import { Command } from 'commander'
import { UsageError } from './failure.js'
import { examples } from './options.js'

export function stopCommand(): Command {
  return new Command('stop')
    .description('with --rootless: end the user namespace that --rootless keeps for you')
    .addHelpText('after', examples('nsfd --rootless stop'))
    .action(() => {
      // With --rootless this is not reached: it is done from outside, see rootless.ts.
      throw new UsageError('There is something to stop only with --rootless: nsfd --rootless stop')
    })
}
