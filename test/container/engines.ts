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

/** Whose rootless containers are entered; scripts/ci-engines.sh makes the user. */
export const ORDINARY = 'nsfd-podman'
const ENGINES_HOME = '/var/lib/nsfd-engines/home'

export function podmanRun(options: string[] = [], command: string[] = []): Running {
  return podmanRunAs([], options, command)
}

export function rootlessPodmanRun(options: string[] = []): Running {
  return podmanRunAs(asOrdinary(), options, [])
}

/** The start of a command line that goes on as the ordinary user, as after a login. */
export function asOrdinary(): string[] {
  const uid = output('id', '-u', ORDINARY)
  const variables = [
    `HOME=${ENGINES_HOME}`,
    `USER=${ORDINARY}`,
    `LOGNAME=${ORDINARY}`,
    `XDG_RUNTIME_DIR=/run/user/${uid}`,
  ]
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const user = ['--reuid', ORDINARY, '--regid', ORDINARY, '--init-groups']
  return ['env', '--ignore-environment', '--chdir=/', path, ...variables, 'setpriv', ...user]
}

function podmanRunAs(user: string[], options: string[], command: string[]): Running {
  const name = uniqueName('p')
  const podman = (...args: string[]) => {
    const [program = '', ...rest] = [...user, 'podman', ...args]
    return output(program, ...rest)
  }
  const limits = ['--runtime', 'runc', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']
  const id = podman('run', '--detach', '--name', name, '--network=none', ...limits, ...options, IMAGE, ...command)
  return { name, id, [Symbol.dispose]: () => podmanRemove(podman, name) }
}

/** Podman cleans up after a container that ends, and `podman rm` does the same beside it: one may find the other's mounts. */
function podmanRemove(podman: (...args: string[]) => string, name: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      podman('rm', '--force', '--ignore', '--time', '0', name)
      return
    } catch (error) {
      if (attempt === 5 || !/device or resource busy/.test((error as Error).message)) throw error
    }
  }
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
