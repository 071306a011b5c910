// Runs as root of a user namespace whose net, uts, ipc and cgroup namespaces belong to the outer one: leaving would be for good.
import { readlinkSync } from 'node:fs'
import { type Kind, Namespace } from 'nsfd'

const told = (['net', 'uts', 'ipc', 'cgroup'] as Kind[]).map((kind) => {
  const home = readlinkSync(`/proc/thread-self/ns/${kind}`)
  let code = 'made'
  let message = ''
  try {
    Namespace.create(kind).close()
  } catch (error) {
    code = String((error as NodeJS.ErrnoException).code)
    message = (error as Error).message
  }
  return { kind, code, message, athome: readlinkSync(`/proc/thread-self/ns/${kind}`) === home }
})
process.stdout.write(JSON.stringify(told))
