// LXC. The monitor of each running container listens on an abstract socket that bears the container's path and name;
// lxc-info(1) asks it for the first process.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Container, choose, type Engine, engineFailed } from '../engine.js'

const execute = promisify(execFile)
const SOCKET = /@(\/\S+)\/([^/\s]+)\/command$/

export const lxc: Engine = {
  name: 'lxc',
  present: () => running().length > 0,
  list: async () => (await Promise.all(running().map(inspect))).filter((each) => each !== undefined),
  find: async (query) => {
    const matches = running().filter(({ name }) => name === query)
    const found = await Promise.all(matches.map(inspect))
    return choose(
      'lxc',
      found.filter((each) => each !== undefined),
      query,
    )
  },
}

/** Of /proc/net/unix; a stopped container has no socket, and is none that could be entered. */
function running(): { path: string; name: string }[] {
  const sockets = readFileSync('/proc/net/unix', 'utf8').split('\n')
  const found = new Map<string, { path: string; name: string }>()
  for (const line of sockets) {
    const [, path, name] = SOCKET.exec(line) ?? []
    if (path !== undefined && name !== undefined) found.set(`${path}/${name}`, { path, name })
  }
  return [...found.values()]
}

async function inspect({ path, name }: { path: string; name: string }): Promise<Container | undefined> {
  const output = await lxcInfo(path, name)
  if (output === undefined) return undefined
  const facts = new Map(output.split('\n').map((line) => line.split(/:\s+/, 2) as [string, string]))
  const pid = Number(facts.get('PID') ?? 0)
  const status = (facts.get('State') ?? 'unknown').toLowerCase()
  return {
    engine: 'lxc',
    name,
    id: name,
    status,
    pid: pid > 0 ? pid : undefined,
    run: pid > 0 ? `${pid} ${startTime(pid)}` : status,
  }
}

/** Undefined where it has ended meanwhile. */
async function lxcInfo(path: string, name: string): Promise<string | undefined> {
  try {
    const { stdout } = await execute('lxc-info', ['--lxcpath', path, '--name', name, '--pid', '--state'])
    return stdout
  } catch (error) {
    const { code, stderr = '' } = error as NodeJS.ErrnoException & { stderr?: string }
    if (code === 'ENOENT') throw engineFailed('lxc', 'lxc-info(1) is not installed', error)
    if (/doesn't exist/.test(stderr)) return undefined
    throw engineFailed('lxc', stderr.trim() || (error as Error).message, error)
  }
}

/** When a process began, in ticks since boot: tells it from an earlier one of the same pid. proc(5) */
export function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return 'ended' // which the next step finds out, and says
  }
}
