// One of many that pin the same name at the same moment. Prints who won.
import { Namespace } from 'nsfd'

const [name = ''] = process.argv.slice(2)
const made = Namespace.create('net')
process.stdout.write('ready\n')
process.stdin.once('data', () => {
  try {
    made.pin(name)
    process.stdout.write(`won ${made}\n`)
  } catch (error) {
    process.stdout.write(`${(error as NodeJS.ErrnoException).code}\n`)
  }
  process.exit()
})
