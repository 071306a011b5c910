// Creates, pins and unpins under a few names without end, until it is killed. Says when it has begun.
import { writeSync } from 'node:fs'
import { Namespace } from 'nsfd'
import { hasCode } from '#dist/kernel/errors.js'

const names = process.argv.slice(2)
for (let turn = 0; ; turn++) {
  const name = names[turn % names.length] as string
  const made = Namespace.create(turn % 5 === 4 ? 'uts' : 'net')
  try {
    made.pin(name)
    if (turn % 3 !== 2) Namespace.unpin(name, made.kind)
  } catch (error) {
    // A rival took the name, or took it away again: that is the game.
    if (!hasCode(error, 'EEXIST', 'ENOENT')) throw error
    if (hasCode(error, 'EEXIST')) tryUnpin(name, made.kind)
  }
  made.close()
  if (turn === 0) writeSync(1, 'begun\n')
}

function tryUnpin(name: string, kind: Namespace['kind']): void {
  try {
    Namespace.unpin(name, kind)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}
