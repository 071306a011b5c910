// Runs in a user namespace of its own, whose limits it sets to none. Prints what becomes of create().
import { readlinkSync, writeFileSync } from 'node:fs'
import { type Kind, Namespace } from 'nsfd'

const results = (['net', 'uts', 'ipc', 'cgroup', 'mnt', 'time'] as Kind[]).map((kind) => {
  writeFileSync(`/proc/sys/user/max_${kind}_namespaces`, '0')
  const home = readlinkSync(`/proc/thread-self/ns/${kind}`)
  let outcome = 'made'
  let message = ''
  try {
    Namespace.create(kind).close()
  } catch (error) {
    outcome = String((error as NodeJS.ErrnoException).code)
    message = (error as Error).message
  }
  return { kind, outcome, message, athome: readlinkSync(`/proc/thread-self/ns/${kind}`) === home }
})
process.stdout.write(JSON.stringify(results))
