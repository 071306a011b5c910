// Opens a namespace as root, becomes an ordinary user, and tries to enter it both ways.
import { Namespace } from '#dist/index.js'

const namespace = Namespace.create('net')
process.setgroups?.([])
process.setgid?.(65534)
process.setuid?.(65534)

const errors = (['run', 'runSync'] as const).map((run) => {
  try {
    namespace[run](() => {})
    return { code: 'it ran' }
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException
    return { code, syscall, message }
  }
})
console.log(JSON.stringify(errors))
