// Real engines for the tests: whether they are there (scripts/ci-engines.sh puts them there), and containers to enter.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { uniqueName } from '../support/names.js'
import { has } from '../support/needs.js'

export const IMAGE = 'nsfd.local/busybox:1'
const ROOTFS = '/var/lib/nsfd-engines/rootfs'
const required = new Set((process.env.NSFD_REQUIRE ?? '').split(','))

/** Each answers with what is missing, as the end of "skipped, because …". */
const LACKING = {
  docker: () => answers('docker', 'image', 'inspect', IMAGE),
  containerd: () => answers('ctr', '--namespace', 'default', 'image', 'ls', '--quiet'),
  cri: () => answers('ctr', '--namespace', 'k8s.io', 'image', 'ls', '--quiet'),
  podman: () => answers('podman', 'image', 'exists', IMAGE),
  lxc: () => answers('lxc-info', '--version') ?? lacksRoot(),
  nspawn: () => answers('systemd-nspawn', '--version') ?? lacksRoot(),
}

export type EngineName = keyof typeof LACKING

/** Options for test(): runs it, or skips it with the reason. @throws where NSFD_REQUIRE forbids the skip. */
export function needsEngine(...engines: EngineName[]): { skip?: string } {
  for (const engine of engines) {
    const reason = has('root') ? LACKING[engine]() : 'it needs root on the machine itself'
    if (reason === undefined) continue
    if (required.has(engine)) throw new Error(`NSFD_REQUIRE names '${engine}', but ${reason}`)
    return { skip: reason }
  }
  return {}
}

function answers(command: string, ...args: string[]): string | undefined {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) return `${command} is not installed (scripts/ci-engines.sh)`
  return status === 0 ? undefined : `${command} is not ready: ${stderr.trim().split('\n')[0]} (scripts/ci-engines.sh)`
}

function lacksRoot(): string | undefined {
  return existsSync(ROOTFS) ? undefined : 'there is no busybox tree (scripts/ci-engines.sh)'
}

export function rootfs(): string {
  return ROOTFS
}

export type Running = Disposable & { name: string; id: string }

export function output(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

/** A container that sleeps, removed when disposed of. */
export function dockerRun(options: string[] = [], command: string[] = []): Running {
  const name = uniqueName('c')
  const network = options.some((each) => each.startsWith('--network')) ? [] : ['--network=none']
  const id = output('docker', 'run', '--detach', '--name', name, ...network, ...options, IMAGE, ...command)
  return { name, id, [Symbol.dispose]: () => void output('docker', 'rm', '--force', '--volumes', name) }
}

export const docker = (...args: string[]) => output('docker', ...args)

export function podmanRun(options: string[] = [], command: string[] = []): Running {
  const name = uniqueName('p')
  const limits = ['--runtime', 'runc', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']
  const id = output(
    'podman',
    'run',
    '--detach',
    '--name',
    name,
    '--network=none',
    ...limits,
    ...options,
    IMAGE,
    ...command,
  )
  return { name, id, [Symbol.dispose]: () => void output('podman', 'rm', '--force', '--time', '0', name) }
}

export function containerdRun(namespace = 'default'): Running {
  const name = uniqueName('t')
  const ctr = (...args: string[]) => output('ctr', '--namespace', namespace, ...args)
  ctr('run', '--detach', '--env', 'MARK=containerd', IMAGE, name, 'sleep', '1000000')
  const dispose = () => {
    ctr('task', 'rm', '--force', name)
    ctr('container', 'rm', name)
  }
  return { name, id: name, [Symbol.dispose]: dispose }
}
