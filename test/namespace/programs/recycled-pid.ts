// Runs as the first process of a pid namespace. Lets a process die, and its pid be taken by another one in another
// network namespace, exactly between ofProcess's look at the process and its opening of the namespace.
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Namespace } from 'nsfd'
import { libc } from '#dist/kernel/libc.js'

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const self = koffi.load(null)
const posixSpawn = self.func(
  'int posix_spawnp(_Out_ int *pid, const char *file, void *actions, void *attributes, const char **argv, const char **envp)',
)
const kill = self.func('int kill(int, int)')
const waitpid = self.func('int waitpid(int, void *, int)')

const ROUNDS = 20
const SIGKILL = 9
const home = readlinkSync('/proc/self/ns/net')
const result = { recycled: 0, wrong: 0, refused: 0 }

for (let round = 0; round < ROUNDS; round++) {
  const first = start('unshare', '--net', 'sleep', '60')
  while (!readFileSync(`/proc/${first}/cmdline`, 'utf8').startsWith('sleep')) pause(2)
  const second = whileOpening(first, () => {
    end(first)
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(first - 1))
    return start('sleep', '60')
  })
  if (second.pid === first && readlinkSync(`/proc/${first}/ns/net`) === home) {
    result.recycled++
    if (second.outcome === 'ESRCH') result.refused++
    if (second.outcome === 'opened') result.wrong++
  }
  end(second.pid)
}
process.stdout.write(JSON.stringify(result))

function whileOpening(pid: number, act: () => number): { pid: number; outcome: string } {
  const real = libc().open
  let acted = 0
  libc().open = (path, flags, mode) => {
    if (path === `/proc/${pid}/ns/net` && acted === 0) acted = act()
    return real(path, flags, mode)
  }
  try {
    Namespace.ofProcess(pid, 'net').close()
    return { pid: acted, outcome: 'opened' }
  } catch (error) {
    return { pid: acted, outcome: String((error as NodeJS.ErrnoException).code) }
  } finally {
    libc().open = real
  }
}

function start(...argv: string[]): number {
  const pid = [0]
  const environment = [`PATH=${process.env.PATH}`, null]
  const failed = posixSpawn(pid, argv[0], null, null, [...argv, null], environment)
  if (failed !== 0) throw new Error(`posix_spawn failed with errno ${failed}`)
  return pid[0] as number
}

/** The pid is free when this returns. */
function end(pid: number): void {
  kill(pid, SIGKILL)
  if (waitpid(pid, null, 0) !== pid) throw new Error(`waitpid(${pid}) failed with errno ${koffi.errno()}`)
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
