// Podman. It has no daemon: its service's socket if somebody runs that, else its own command, which is all it promises.
// `podman:USER@NAME` is a rootless container of that user, for root to enter.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { NsfdError } from '../../kernel/errors.js'
import { type Container, type Engine, engineFailed } from '../engine.js'
import { findOver, firstSocket, fromHostVariable, fromInspection, type Inspection, listOver } from './docker.js'

const execute = promisify(execFile)
const NAME = 'podman'
const MAX_OUTPUT = 64 * 1024 * 1024
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

type User = { name: string; uid: number; gid: number; home: string }

export const podman: Engine = {
  name: NAME,
  // The directories that podman keeps its state of this boot in, as root and as a user.
  present: () =>
    ['/run/libpod', '/run/containers/storage', runtime('libpod'), socket()].some(
      (path) => path !== undefined && existsSync(path),
    ),
  list: async () => {
    const path = socket()
    if (path !== undefined) return listOver(NAME, path)
    const ids = (await run(undefined, 'ps', '--all', '--quiet', '--no-trunc')).split('\n').filter(Boolean)
    return ids.length === 0 ? [] : inspect(undefined, ids)
  },
  find: async (query) => {
    const [userName, name] = query.includes('@') ? (query.split('@', 2) as [string, string]) : [undefined, query]
    const user = userName === undefined ? undefined : userNamed(userName)
    const path = user === undefined ? socket() : firstSocket([`/run/user/${user.uid}/podman/podman.sock`])
    const found = path === undefined ? (await inspect(user, [name]))[0] : await findOver(NAME, path, name)
    return found && user ? { ...found, name: `${user.name}@${found.name}`, key: `${user.name}@${found.id}` } : found
  },
}

function socket(): string | undefined {
  const own = process.getuid?.() === 0 ? '/run/podman/podman.sock' : runtime('podman/podman.sock')
  return firstSocket([fromHostVariable(process.env.CONTAINER_HOST), own])
}

function runtime(path: string): string | undefined {
  const directory = process.env.XDG_RUNTIME_DIR
  return directory && `${directory}/${path}`
}

/** None where podman says that there is no such container. */
async function inspect(user: User | undefined, names: string[]): Promise<Container[]> {
  const output = await run(user, 'container', 'inspect', '--', ...names).catch((error) => {
    if (/no such container|no container with/i.test(error.stderr ?? '')) return '[]'
    throw error
  })
  // The command counts processes as we do, being our child; and rootless containers may have no cgroup to check.
  return (JSON.parse(output) as Inspection[]).map((each) => ({ ...fromInspection(NAME, each), cgroup: undefined }))
}

async function run(user: User | undefined, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await execute(NAME, args, { maxBuffer: MAX_OUTPUT, ...(user && asUser(user)) })
    return stdout
  } catch (error) {
    const { code, stderr = '' } = error as NodeJS.ErrnoException & { stderr?: string }
    const why = code === 'ENOENT' ? 'podman is not installed' : stderr.trim() || (error as Error).message
    throw Object.assign(engineFailed(NAME, why, error), { stderr })
  }
}

function asUser({ uid, gid, home, name }: User) {
  const env = { PATH, HOME: home, USER: name, LOGNAME: name, XDG_RUNTIME_DIR: `/run/user/${uid}` }
  return { uid, gid, env, cwd: '/' }
}

function userNamed(name: string): User {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [login, , uid, gid, , home = '/'] = line.split(':')
    if (login === name || uid === name) return { name, uid: Number(uid), gid: Number(gid), home }
  }
  throw new NsfdError(`There is no user '${name}' on this machine`, { code: 'ERR_NSFD_NO_SUCH_TARGET' })
}
