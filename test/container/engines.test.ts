// Every engine but docker, the same way: found by name and id, entered, run in, spawned in, and copied into and out of.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTarget, type Target } from 'nsfd'
import { Nobody, nsfd, shellLine } from '../cli/nsfd.js'
import { uniqueName } from '../support/names.js'
import { criPod } from './cri-pod.js'
import {
  asOrdinary,
  containerdRun,
  type EngineName,
  needsEngine,
  ORDINARY,
  output,
  podmanRun,
  rootfs,
  rootlessPodmanRun,
} from './engines.js'
import { inTerminal } from './terminal.js'

type Started = {
  /** Words that all mean this container. */
  words: string[]
  hostname: string
  environment?: [string, string]
  /** Whether root's nsfd ps shows it: not another user's. Default: true. */
  listed?: boolean
  stop(): void | Promise<void>
}

const folder = mkdtempSync(join(tmpdir(), 'nsfd-engines-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const ENGINES: Record<string, { needs: EngineName; start(): Started | Promise<Started> }> = {
  podman: { needs: 'podman', start: () => startPodman([]) },
  'podman, with a user namespace': { needs: 'podman', start: () => startPodman(['--uidmap=0:200000:65536']) },
  'podman, rootless, of another user': { needs: 'podman', start: startRootlessPodman },
  containerd: { needs: 'containerd', start: startContainerd },
  cri: { needs: 'cri', start: startCri },
  lxc: { needs: 'lxc', start: startLxc },
  'machine, of systemd-nspawn': { needs: 'nspawn', start: startMachine },
}

for (const [name, { needs, start }] of Object.entries(ENGINES)) {
  describe(name, needsEngine(needs), () => {
    let started: Started
    let target: Target
    before(async () => {
      started = await start()
      target = await openTarget(started.words[0] as string)
    })
    after(async () => {
      target?.close()
      await started?.stop()
    })

    test('by name and by id it is the same container, and nsfd ps lists it', async () => {
      for (const word of started.words) {
        using again = await openTarget(word)
        assert.equal(again.pid, target.pid, word)
      }
      const { containers } = JSON.parse(`{"containers":${nsfd(['ps', '--json']).stdout}}`)
      const listed = containers.some((each: { id: string }) => each.id === target.id)
      assert.equal(listed, started.listed ?? true)
      const [first] = JSON.parse(nsfd(['ps', started.words[0] as string, '--json']).stdout)
      assert.equal(first.insidePid, 1)
    })

    test('one that is not there is an error', async () => {
      await assert.rejects(openTarget(`${target.engine}:nsfd-never`), { code: 'ERR_NSFD_NO_SUCH_TARGET' })
    })

    test('nsfd enter runs a command in all its namespaces', () => {
      const kinds = [...target.namespaces.keys()].filter((kind) => kind !== 'time')
      const script = `${kinds.map((kind) => `readlink /proc/self/ns/${kind}`).join('; ')}; hostname; id -u; exit 7`
      const { code, stdout, stderr } = nsfd(['enter', started.words[0] as string, '--', 'sh', '-c', script])
      assert.equal(stderr, '')
      assert.deepEqual(stdout.trim().split('\n'), [
        ...kinds.map((kind) => String(target.namespace(kind))),
        started.hostname,
        '0',
      ])
      assert.equal(code, 7)
    })

    test('spawn: the pid is the command’s own, and the environment is the container’s', async () => {
      const child = target.spawn('sh', ['-c', 'env; read line'], { stdio: ['pipe', 'pipe', 'inherit'] })
      const [text] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
      assert.equal(readlinkSync(`/proc/${child.pid}/ns/pid`), String(target.namespace('pid')))
      if (started.environment) assert.match(String(text), new RegExp(started.environment.join('=')))
      assert.doesNotMatch(String(text), /NODE_TEST_CONTEXT/)
      child.kill('SIGTERM')
      assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM'])
    })

    test('on a terminal: a terminal of its own over there, of the size of ours', async () => {
      const line = shellLine(
        'enter',
        started.words[0] as string,
        '--',
        'sh',
        '-c',
        'test -t 0 && test -t 2 && stty size',
      )
      assert.match(await inTerminal(['sh', '-c', `${line}; echo code $?`]), /^24 80\r\ncode 0\r\n$/)
    })

    test('run: serves and fetches inside', async () => {
      await target.exec('ip', ['link', 'set', 'lo', 'up'], { namespaces: ['net'] })
      const text = await target.run(async () => {
        const server = http.createServer((_, response) => response.end('inside')).listen(0, '127.0.0.1')
        await once(server, 'listening')
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
        const fromInside = await target.exec('wget', ['-q', '-O', '-', url])
        assert.equal(fromInside.stdout, 'inside')
        const answer = await (await fetch(url)).text()
        server.closeAllConnections()
        server.close()
        return answer
      })
      assert.equal(text, 'inside')
    })

    test('files go in and come out, and belong to root there', async () => {
      const [up, down] = [join(folder, 'up'), join(folder, `down-${target.engine}`)]
      writeFileSync(up, 'there and back')
      const word = started.words[0]
      assert.deepEqual(nsfd(['cp', up, `${word}:/tmp/file`]), { code: 0, signal: null, stdout: '', stderr: '' })
      assert.equal(
        (await target.exec('sh', ['-c', 'cat /tmp/file; stat -c " %u %g" /tmp/file'])).stdout,
        'there and back 0 0\n',
      )
      assert.equal(nsfd(['cp', `${word}:/tmp/file`, down]).stderr, '')
      assert.equal(readFileSync(down, 'utf8'), 'there and back')
    })

    test('inspect tells what the kernel does', () => {
      const facts = JSON.parse(nsfd(['inspect', started.words[0] as string, '--json']).stdout)
      assert.equal(facts.pid, target.pid)
      assert.equal(facts.namespaces.mnt.id, String(target.namespace('mnt')))
      assert.deepEqual(
        facts.uidMap,
        target.uidMap.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`),
      )
    })
  })
}

describe('an ordinary user', needsEngine('podman'), () => {
  test('enters a rootless container of their own, from within its user namespace, and is told so from without', () => {
    using nobody = new Nobody()
    using mine = rootlessPodmanRun()
    const script = ['sh', '-c', 'hostname; id -u; exit 3']
    const enter = [process.execPath, nobody.main, 'enter', `podman:${mine.name}`, '--', ...script]
    const run = (...line: string[]) => {
      const [program = '', ...args] = [...asOrdinary(), ...line]
      return spawnSync(program, args, { encoding: 'utf8' })
    }
    const { stdout, stderr, status } = run('podman', 'unshare', ...enter)
    assert.deepEqual({ stdout, status }, { stdout: `${mine.id.slice(0, 12)}\n0\n`, status: 3 }, stderr)
    const refused = run(...enter)
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /EPERM.*podman unshare/)
  })
})

function startPodman(options: string[]): Started {
  const { name, id, [Symbol.dispose]: stop } = podmanRun(['--env', 'MARK=podman', ...options])
  const words = [`podman:${name}`, `podman:${id}`, `podman:${id.slice(0, 16)}`]
  return { words, hostname: id.slice(0, 12), environment: ['MARK', 'podman'], stop }
}

function startRootlessPodman(): Started {
  const { name, id, [Symbol.dispose]: stop } = rootlessPodmanRun(['--env', 'MARK=rootless'])
  const words = [`podman:${ORDINARY}@${name}`, `podman:${ORDINARY}@${id}`, `podman:${ORDINARY}@${id.slice(0, 16)}`]
  return { words, hostname: id.slice(0, 12), environment: ['MARK', 'rootless'], listed: false, stop }
}

function startContainerd(): Started {
  const { name, [Symbol.dispose]: stop } = containerdRun()
  const hostname = output('hostname') // ctr shares nothing but gives no name of its own
  return {
    words: [`containerd:default/${name}`, `containerd:${name}`],
    hostname,
    environment: ['MARK', 'containerd'],
    stop,
  }
}

async function startCri(): Promise<Started> {
  const pod = uniqueName('pod')
  const { id, stop } = await criPod(pod, 'web')
  return {
    words: [`cri:${pod}/web`, `cri:${id}`, `cri:default/${pod}/web`],
    hostname: pod,
    environment: ['MARK', 'cri'],
    stop,
  }
}

function startLxc(): Started {
  const name = uniqueName('lxc')
  const directory = `/var/lib/lxc/${name}`
  mkdirSync(directory, { recursive: true })
  cpSync(rootfs(), `${directory}/rootfs`, { recursive: true, verbatimSymlinks: true })
  const lines = [
    `lxc.rootfs.path = dir:${directory}/rootfs`,
    `lxc.uts.name = ${name}`,
    'lxc.net.0.type = empty',
    'lxc.init.cmd = /bin/sleep 1000000',
    'lxc.apparmor.profile = unconfined',
    'lxc.mount.auto = proc sys',
    'lxc.environment = MARK=lxc',
  ]
  writeFileSync(`${directory}/config`, `${lines.join('\n')}\n`)
  output('lxc-start', '--name', name)
  const stop = () => {
    output('lxc-stop', '--kill', '--name', name)
    rmSync(directory, { recursive: true })
  }
  return { words: [`lxc:${name}`, name], hostname: name, environment: ['MARK', 'lxc'], stop }
}

/**
 * systemd-machined needs systemd as the first process of the machine, which a CI machine may not have. So nspawn runs
 * unregistered, and the file that machined would write for it is written here, in the form that machined gives it.
 */
async function startMachine(): Promise<Started> {
  const name = uniqueName('m')
  const root = join(folder, name)
  cpSync(rootfs(), root, { recursive: true, verbatimSymlinks: true })
  writeFileSync(join(root, 'etc/os-release'), '')
  const options = [
    '--register=no',
    '--keep-unit',
    '--quiet',
    '--private-network',
    '--console=pipe',
    '--setenv=MARK=machine',
  ]
  const nspawn = spawn(
    'systemd-nspawn',
    [...options, `--machine=${name}`, `--directory=${root}`, '/bin/sleep', '1000000'],
    {
      stdio: 'ignore',
    },
  )
  const leader = await childOf(nspawn)
  const file = `/run/systemd/machines/${name}`
  mkdirSync('/run/systemd/machines', { recursive: true })
  const lines = [`NAME=${name}`, 'SERVICE=systemd-nspawn', `ROOT=${root}`, `LEADER=${leader}`, 'CLASS=container']
  writeFileSync(file, `# This is private data. Do not parse.\n${lines.join('\n')}\n`)
  const stop = async () => {
    rmSync(file)
    nspawn.kill('SIGTERM')
    if (nspawn.exitCode === null && nspawn.signalCode === null) await once(nspawn, 'exit')
    rmSync(root, { recursive: true, force: true })
  }
  return { words: [`machine:${name}`, name], hostname: name, environment: ['MARK', 'machine'], stop }
}

/** nspawn's first child that has become the command. */
async function childOf(parent: ChildProcess): Promise<string> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const { stdout } = spawnSync('pgrep', ['--parent', String(parent.pid), '--exact', 'sleep'], { encoding: 'utf8' })
    if (stdout !== '') return stdout.trim()
    await sleep(20)
  }
  throw new Error('systemd-nspawn started nothing')
}
