// Docker, by its API on a unix socket: https://docs.docker.com/reference/api/engine/. Podman's service speaks it too.
import { existsSync } from 'node:fs'
import { invalidArgument } from '../../kernel/errors.js'
import { type Container, choose, type Engine } from '../engine.js'
import { getJson } from '../unix-http.js'

/** What `docker inspect` says, as far as it matters here. */
export type Inspection = {
  Id: string
  Name: string
  State: { Status: string; Running: boolean; Pid: number; StartedAt: string }
  Image?: string
  ImageName?: string
  Config: { Env?: string[] | null; Labels?: Record<string, string> | null; WorkingDir?: string; Image?: string }
  HostConfig?: { Cgroups?: string }
}

type Listed = { Id: string; Names: string[]; Image: string; State: string; Labels?: Record<string, string> | null }

export const docker: Engine = {
  name: 'docker',
  present: () => dockerSocket() !== undefined,
  list: () => listOver('docker', socketOf('docker', dockerSocket())),
  find: (query) => findOver('docker', socketOf('docker', dockerSocket()), query),
}

/** DOCKER_HOST, the daemon of the machine, or that of the user. */
function dockerSocket(): string | undefined {
  return firstSocket([
    fromHostVariable(process.env.DOCKER_HOST),
    '/var/run/docker.sock',
    process.env.XDG_RUNTIME_DIR && `${process.env.XDG_RUNTIME_DIR}/docker.sock`,
  ])
}

export function firstSocket(paths: readonly (string | undefined)[]): string | undefined {
  return paths.find((path) => path !== undefined && path !== '' && existsSync(path))
}

export function fromHostVariable(value: string | undefined): string | undefined {
  return value?.startsWith('unix://') ? value.slice('unix://'.length) : undefined
}

/** Asked by name though it is not there: the usual place, whose absence then makes the error. */
function socketOf(engine: string, socket: string | undefined): string {
  return socket ?? `/var/run/${engine}.sock`
}

export async function listOver(engine: string, socket: string): Promise<Container[]> {
  const listed = (await getJson(engine, socket, '/containers/json?all=true')) as Listed[]
  return listed.map(({ Id, Names, Image, State, Labels }) => ({
    engine,
    id: Id,
    name: (Names[0] ?? Id).replace(/^\//, ''),
    image: Image,
    labels: Labels ?? {},
    status: State,
    pid: undefined,
    run: '',
  }))
}

export async function findOver(engine: string, socket: string, query: string): Promise<Container | undefined> {
  if (!/^[\w][\w.-]*$/.test(query))
    throw invalidArgument('target', `must be a name or id that ${engine} could give`, query)
  const found = (await getJson(engine, socket, `/containers/${encodeURIComponent(query)}/json`).catch(async (error) => {
    // Several ids begin like that: say which.
    choose(engine, await listOver(engine, socket), query)
    throw error
  })) as Inspection | undefined
  return found && fromInspection(engine, found)
}

export function fromInspection(engine: string, { Id, Name, State, Config, ...rest }: Inspection): Container {
  const pid = State.Running && State.Pid > 0 ? State.Pid : undefined
  return {
    engine,
    id: Id,
    name: Name.replace(/^\//, ''),
    image: Config.Image ?? rest.ImageName ?? rest.Image ?? '',
    labels: Config.Labels ?? {},
    environment: Object.fromEntries((Config.Env ?? []).map(splitPair)),
    ...(Config.WorkingDir && { workingDirectory: Config.WorkingDir }),
    status: State.Status,
    pid,
    run: `${State.StartedAt} ${State.Pid}`,
    cgroup: rest.HostConfig?.Cgroups === 'disabled' ? undefined : Id,
  }
}

export function splitPair(line: string): [string, string] {
  const middle = line.indexOf('=')
  return middle === -1 ? [line, ''] : [line.slice(0, middle), line.slice(middle + 1)]
}
