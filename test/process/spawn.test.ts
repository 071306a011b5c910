// A child that is born inside: the kernel is asked where it is, who it is, and what it has open.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Namespace } from 'nsfd'
import { type SpawnOptions, spawn } from '#dist/process/spawn.js'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { sleeper } from '../support/sleeper.js'
import { inheritedDescriptors } from './inherited.js'

type Kind = Namespace['kind']

everyTestEndsAtHome()

describe('spawn', needs('admin'), () => {
  for (const kinds of [
    ['net'],
    ['uts'],
    ['ipc'],
    ['cgroup'],
    ['mnt'],
    ['user'],
    ['time'],
    ['net', 'uts', 'ipc', 'cgroup'],
    ['net', 'mnt', 'user', 'time'],
  ] as Kind[][]) {
    test(`the child is in ${kinds.join(', ')}, is the command itself, and has nothing of ours open`, async () => {
      const namespaces = kinds.map((kind) => Namespace.create(kind))
      const child = spawn(namespaces, 'sh', ['-c', `${placesOf(kinds)}; echo $$; ${LIST_DESCRIPTORS}`], PIPES)
      for (const each of namespaces) each.close()
      const { code, stdout } = await ended(child)
      const lines = stdout.trim().split('\n')
      assert.equal(code, 0)
      assert.deepEqual(lines.slice(0, kinds.length), namespaces.map(String))
      assert.equal(lines[kinds.length], String(child.pid), 'the pid is the command’s own')
      const descriptors = lines
        .slice(kinds.length + 1)
        .map(Number)
        .sort((a, b) => a - b)
      assert.deepEqual(descriptors, inheritedDescriptors())
    })
  }

  test('into a mnt namespace, signals reach the command and its exit code comes back', async () => {
    using mnt = Namespace.create('mnt')
    const killed = spawn(mnt, 'sleep', ['60'], PIPES)
    killed.kill('SIGTERM')
    assert.equal((await ended(killed)).signal, 'SIGTERM')
    assert.equal((await ended(spawn(mnt, 'sh', ['-c', 'exit 41'], PIPES))).code, 41)
  })

  test('cwd, shell, uid and gid mean the same through nsenter as without', needs('root'), async () => {
    using mnt = Namespace.create('mnt')
    using uts = Namespace.create('uts')
    for (const inside of [mnt, uts]) {
      const options = { cwd: '/usr', shell: true, uid: 65534, gid: 65534, env: { WORD: 'said' }, ...PIPES }
      const { stdout, stderr } = await ended(spawn(inside, 'pwd; id -u; id -g; echo $WORD', options))
      assert.deepEqual(stdout.split('\n'), ['/usr', '65534', '65534', 'said', ''], stderr)
    }
  })

  test('a new pid namespace has the command as its init, and dies with it', needs('root'), async () => {
    const script = 'echo $$; readlink /proc/self/ns/pid; sleep 60 & wait'
    const child = spawn([], 'sh', ['-c', script], { newNamespaces: ['pid', 'mnt'], ...PIPES })
    const [first] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer]
    assert.match(String(first), /^1\n/)
    using theirs = Namespace.ofProcess(child.pid as number, 'pid')
    using ours = Namespace.current('pid')
    assert.ok(!theirs.equals(ours))
    const inside = processesIn(theirs)
    assert.ok(inside.length >= 1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await vanish(() => processesIn(theirs).length === 0)
  })

  test('a process joins the pid namespace of another, by its own pid outside', needs('root'), async () => {
    const init = spawn([], 'sleep', ['60'], { newNamespaces: ['pid'], ...PIPES })
    try {
      using pidns = Namespace.ofProcess(init.pid as number, 'pid')
      const child = spawn(pidns, 'sleep', ['60'], PIPES)
      assert.equal(readlinkSync(`/proc/${child.pid}/ns/pid`), String(pidns))
      child.kill('SIGTERM')
      assert.equal((await ended(child)).signal, 'SIGTERM')
    } finally {
      init.kill('SIGKILL')
      await once(init, 'exit')
    }
  })

  test('new namespaces of every kind at once belong to the new user namespace', async () => {
    const kinds: Kind[] = ['net', 'uts', 'ipc', 'mnt', 'pid', 'user', 'cgroup', 'time']
    const { stdout, stderr } = await ended(
      spawn([], 'sh', ['-c', `${placesOf(kinds)}; id -u`], { newNamespaces: kinds, ...PIPES }),
    )
    const lines = stdout.trim().split('\n')
    assert.equal(lines.length, 9, stderr)
    for (const [i, kind] of kinds.entries()) {
      assert.match(lines[i] as string, new RegExp(`^${kind}:`))
      assert.notEqual(lines[i], readlinkSync(`/proc/self/ns/${kind}`))
    }
    assert.equal(lines[8], '0')
  })

  for (const [what, maps, id] of [
    ['maps the caller to 1000', ['--map-user=1000', '--map-group=1000'], '1000'],
    ['maps the caller to root', ['--map-root-user'], '0'],
  ] as const) {
    test(`in a user namespace that ${what}, the command has the ids ${id}`, needs('userns'), async () => {
      await using inside = await sleeper('unshare', '--user', ...maps)
      using user = Namespace.ofProcess(inside.pid, 'user')
      for (let times = 0; times < 2; times++) {
        const { code, stdout, stderr } = await ended(spawn(user, 'sh', ['-c', 'id -u; id -g'], PIPES))
        assert.deepEqual([code, stdout, stderr], [0, `${id}\n${id}\n`, ''])
      }
    })
  }

  test(
    'in a user namespace that maps nobody, root of the machine is refused rather than unmapped',
    needs('root'),
    async () => {
      await using inside = await sleeper('unshare', '--user')
      using user = Namespace.ofProcess(inside.pid, 'user')
      assert.throws(() => spawn(user, 'true'), {
        code: 'EINVAL',
        message: /no ids for root nor for the caller.*options\.uid/,
      })
    },
  )

  test('where a thread could not come back, util-linux goes instead, and the process lives on', needs('userns'), () => {
    const script = `import { Namespace } from ${JSON.stringify(import.meta.resolve('#dist/index.js'))}
      import { spawn } from ${JSON.stringify(import.meta.resolve('#dist/process/spawn.js'))}
      const kinds = ['net', 'uts', 'ipc', 'cgroup', 'pid']
      const child = spawn([], 'sh', ['-c', 'echo $$; exit 41'], { newNamespaces: kinds, stdio: ['ignore', 'inherit', 'inherit'] })
      child.on('exit', (code) => console.log(code))
      try { spawn(Namespace.current('net'), 'true').on('exit', (code) => console.log('entered', code)) } catch (error) { console.log(error.code) }`
    // A user namespace alone: net and the rest still belong to the one outside.
    const userns = ['--user', '--map-root-user', process.execPath, '--input-type=module', '-e', script]
    const { status, stdout, stderr } = spawnSync('unshare', userns, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.deepEqual(stdout.trim().split('\n').sort(), ['1', '41', 'entered 1'])
  })

  test('inside run(), the namespace that spawn names goes before the context’s, and the callbacks stay in the context', async () => {
    using red = Namespace.create('net')
    using blue = Namespace.create('net')
    const [stdout, inCallback] = await red.run(async () => {
      const child = spawn(blue, 'readlink', ['/proc/self/ns/net'], PIPES)
      const inCallback = new Promise<string>((resolve) => {
        child.once('exit', () => resolve(String(execFileSync('readlink', ['/proc/self/ns/net']))))
      })
      return [(await ended(child)).stdout, await inCallback]
    })
    assert.equal(stdout?.trim(), String(blue))
    assert.equal(inCallback?.trim(), String(red))
  })

  test('a command that does not exist: an error event when born inside, 127 through nsenter; nothing stays open', async () => {
    using net = Namespace.create('net')
    const missing = spawn(net, 'nsfd-no-such-command', [], { env: { PATH: '/usr/bin' } })
    const [error] = (await once(missing, 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ENOENT')
    using mnt = Namespace.create('mnt')
    assert.equal((await ended(spawn(mnt, 'nsfd-no-such-command', [], { env: { PATH: '/usr/bin' } }))).code, 127)
  })

  test('bad input is refused before anything runs', () => {
    using net = Namespace.create('net')
    using other = Namespace.create('net')
    const closed = Namespace.create('uts')
    closed.close()
    const refused = (code: string, call: () => unknown) => assert.throws(call, { code })
    refused('ERR_INVALID_ARG_VALUE', () => spawn([net, other], 'true'))
    refused('ERR_INVALID_ARG_VALUE', () => spawn([net, net], 'true'))
    refused('ERR_INVALID_ARG_VALUE', () => spawn([], 'true'))
    refused('ERR_INVALID_ARG_VALUE', () => spawn(undefined as never, 'true'))
    refused('ERR_INVALID_ARG_VALUE', () => spawn([net, 7 as never], 'true'))
    refused('ERR_NSFD_CLOSED', () => spawn(closed, 'true'))
    refused('ERR_NSFD_CLOSED', () => spawn([net, closed], 'true'))
    for (const command of ['', 'tr\0ue', 7 as never]) refused('ERR_INVALID_ARG_VALUE', () => spawn(net, command))
    refused('ERR_INVALID_ARG_VALUE', () => spawn(net, 'echo', ['a\0b']))
    const newKinds = (...newNamespaces: unknown[]) => spawn(net, 'true', [], { newNamespaces } as SpawnOptions)
    refused('ERR_INVALID_ARG_VALUE', () => newKinds('net'))
    refused('ERR_INVALID_ARG_VALUE', () => newKinds('uts', 'uts'))
    refused('ERR_INVALID_ARG_VALUE', () => newKinds('nonsense'))
  })
})

const PIPES: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'] }
/** The shell's own, seen by its child. */
const LIST_DESCRIPTORS = 'ls /proc/$$/fd'

function placesOf(kinds: Kind[]): string {
  return kinds.map((kind) => `readlink /proc/self/ns/${kind}`).join('; ')
}

function processesIn(pidns: Namespace): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && namespaceOf(pid) === String(pidns))
}

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

async function vanish(gone: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !gone(); i++) await new Promise((resume) => setTimeout(resume, 10))
  assert.ok(gone(), 'processes are left')
}

async function ended(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (data) => {
    stdout += data
  })
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  const [code, signal] = await once(child, 'close')
  return { code, signal, stdout, stderr }
}
