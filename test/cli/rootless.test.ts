// --rootless, as an ordinary user: pins that last across invocations, one holder, and nothing left when the last is gone.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { needs } from '../support/needs.js'
import { Nobody, type Outcome, type Settings } from './nsfd.js'

describe('--rootless', needs('root', 'userns'), () => {
  let nobody: Nobody
  before(() => {
    nobody = new Nobody()
  })
  after(() => nobody[Symbol.dispose]())
  afterEach(async () => {
    assert.deepEqual(ok('stop'), '')
    assert.equal(holder(), undefined)
    for (let i = 0; i < 100 && nobody.processes().length > 0; i++) await sleep(20)
    assert.deepEqual(nobody.processes(), [])
  })

  const rootless = (args: string[], settings?: Settings): Outcome => nobody.nsfd(['--rootless', ...args], settings)
  const ok = (...args: string[]): string => {
    const { code, stdout, stderr } = rootless(args)
    assert.deepEqual([code, stderr], [0, ''], args.join(' '))
    return stdout
  }
  const holderFile = () => join(nobody.runtime, 'nsfd', 'holder.json')
  const holder = (): { pid: number } | undefined =>
    existsSync(holderFile()) ? JSON.parse(readFileSync(holderFile(), 'utf8')) : undefined

  test('doctor and a plain command leave no trace of --rootless', () => {
    rmSync(join(nobody.runtime, 'nsfd'), { recursive: true, force: true })
    assert.equal(nobody.nsfd(['doctor']).code, 0)
    nobody.nsfd(['ls'])
    ok('stop')
    assert.deepEqual(readdirSync(nobody.runtime), [])
  })

  test('without it, the error says to use it', () => {
    for (const args of [
      ['add', 'red'],
      ['exec', '1', 'true'],
      ['pin', '1', 'red'],
    ]) {
      const { code, stderr } = nobody.nsfd(args)
      assert.equal(code, 1)
      assert.match(stderr, /--rootless/)
    }
  })

  test('add, exec and ls, in one process after another; the machine’s pins are untouched', () => {
    ok('add', 'red')
    ok('add', '--kind', 'uts', 'blue')
    const listed = JSON.parse(ok('ls', '--json', '--pins')) as {
      namespaces: { id: string; pins: { name: string }[] }[]
    }
    const named = listed.namespaces.filter(({ pins }) => pins.some(({ name }) => name !== undefined))
    const names = named.flatMap(({ pins }) => pins.map(({ name }) => name))
    assert.deepEqual(names, ['red', 'blue'])
    const inside = ok('exec', 'red', '--', 'sh', '-c', 'readlink /proc/self/ns/net; id -u; ls /sys/class/net; pwd')
      .trim()
      .split('\n')
    assert.deepEqual(inside, [named[0]?.id, '0', 'lo', '/'])
    assert.ok(!existsSync('/run/netns/red'))
    assert.equal(rootless(['exec', 'red', '--', 'sh', '-c', 'exit 41']).code, 41)
    assert.equal(rootless(['add', 'red']).code, 1)
    assert.equal(rootless(['pwd']).code, 2)
  })

  test('the option may stand after the command; the working directory is kept', () => {
    assert.equal(nobody.nsfd(['add', '--rootless', 'red']).code, 0)
    assert.equal(nobody.nsfd(['exec', '--rootless', 'red', '--', 'pwd'], { cwd: '/usr/share' }).stdout, '/usr/share\n')
  })

  test('exec becomes the command, with our pid and nothing of ours open', async () => {
    ok('add', 'red')
    const child = nobody.start(['--rootless', 'exec', 'red', '--', 'sh', '-c', 'echo $$; ls -l /proc/$$/fd'])
    let stdout = ''
    child.stdout?.on('data', (data) => {
      stdout += data
    })
    await once(child, 'close')
    assert.equal(Number(stdout.split('\n')[0]), child.pid)
    assert.doesNotMatch(stdout, /ns:\[|nsfd|eventpoll/)
  })

  test('the holder ends with the last pin, not before', () => {
    ok('add', 'red')
    ok('add', 'blue')
    const { pid } = holder() as { pid: number }
    ok('rm', 'red')
    assert.equal(holder()?.pid, pid)
    ok('rm', 'blue')
    assert.equal(holder(), undefined)
    assert.ok(!existsSync(`/proc/${pid}/ns/net`))
  })

  test('nothing is left running by ls, a failing add, a failing rm, or exec of a name that is not there', () => {
    ok('ls')
    assert.equal(rootless(['add', '--kind', 'pid', 'red']).code, 1)
    assert.equal(rootless(['rm', 'red']).code, 1)
    assert.equal(rootless(['exec', 'red', '--', 'true']).code, 1)
    assert.equal(holder(), undefined)
  })

  test('ten at the same time share one holder', async () => {
    const children = Array.from({ length: 10 }, (_, i) => nobody.start(['--rootless', 'add', `many${i}`]))
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
    assert.deepEqual(codes, Array(10).fill(0))
    for (let i = 0; i < 10; i++) ok('exec', `many${i}`, 'true')
  })

  test('a holder that was killed is replaced, and a pid file that means another process is not believed', async () => {
    ok('add', 'red')
    const first = holder() as { pid: number; startTime: string; userNamespace: string }
    process.kill(first.pid, 'SIGKILL')
    ok('add', 'red')
    const second = holder() as typeof first
    assert.notEqual(second.pid, first.pid)
    const stranger = spawn('sleep', ['60'])
    try {
      for (const forged of [
        { ...second, pid: stranger.pid },
        { ...second, startTime: '1' },
        { ...second, userNamespace: readlinkSync('/proc/self/ns/user').replace(/\D/g, '') },
        { pid: -1 },
        null,
        'nonsense',
      ]) {
        writeFileSync(holderFile(), JSON.stringify(forged))
        assert.equal(rootless(['exec', 'red', 'true']).code, 1, JSON.stringify(forged))
      }
      writeFileSync(holderFile(), '{')
      assert.equal(rootless(['exec', 'red', 'true']).code, 1)
      writeFileSync(holderFile(), JSON.stringify(second))
      ok('exec', 'red', 'true')
      assert.equal(stranger.exitCode, null)
    } finally {
      stranger.kill()
    }
  })

  test('a state directory that others could write to, or that is somebody else’s, is refused', () => {
    const directory = join(nobody.runtime, 'nsfd')
    const refused = () => {
      const { code, stderr } = rootless(['add', 'red'])
      assert.deepEqual([code, /must be a directory of yours/.test(stderr)], [1, true], stderr)
    }
    ok('ls')
    chmodSync(directory, 0o777)
    refused()
    const { checks } = JSON.parse(nobody.nsfd(['doctor', '--json']).stdout) as Report
    assert.equal(checks.find(({ id }) => id === 'holder')?.found, 'cannot be looked for')
    rmSync(directory, { recursive: true })
    mkdirSync(directory, { mode: 0o700 }) // root's
    refused()
    rmSync(directory, { recursive: true })
  })

  test('SIGINT in the middle of things leaves nothing half-way', async () => {
    for (const delay of [0, 20, 40, 60, 80, 100, 130, 160, 200, 300, 400]) {
      const child = nobody.start(['--rootless', 'add', 'red'])
      const exit = once(child, 'exit')
      await sleep(delay)
      child.kill('SIGINT')
      await exit
      const { code, stderr } = rootless(['rm', '--force', 'red'])
      assert.deepEqual([code, stderr], [0, ''], `after ${delay} ms`)
      assert.equal(holder(), undefined, `after ${delay} ms`)
    }
  })

  test('the demo runs for everybody, inside by itself', () => {
    const { code, stdout, stderr } = nobody.nsfd(['demo', '--json'])
    assert.equal(code, 0, stderr)
    assert.deepEqual(JSON.parse(stdout).leftBehind, [])
    assert.match(stderr, /user namespace/)
  })

  test('where user namespaces are refused: exit 1, and nsfd doctor says why', async () => {
    const limit = '/proc/sys/user/max_user_namespaces'
    // Refused inside a user namespace whose own limit is 0: the machine's stays as it is.
    const line = `echo 0 > ${limit} && exec "$@"`
    const through = ['--user', '--map-root-user', 'sh', '-c', line, 'sh', process.execPath, nobody.main]
    const runtime = join(nobody.folder, 'of-root')
    mkdirSync(runtime)
    const run = (...args: string[]) => spawnAndWait('unshare', [...through, ...args], runtime)
    await Promise.all([
      run('--rootless', 'add', 'red').then(({ code, stderr }) => {
        assert.equal(code, 1)
        assert.match(stderr, /cannot make a user namespace.*nsfd doctor/)
      }),
      run('doctor', '--json').then(({ stdout }) => {
        const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string; advice?: string }[] }
        const userns = checks.find(({ id }) => id === 'userns')
        assert.deepEqual([userns?.status, userns?.advice], ['warning', 'sysctl user.max_user_namespaces=10000'])
      }),
    ])
  })

  test('doctor tells of the holder, and of what works here and there', () => {
    ok('add', 'red')
    const outside = JSON.parse(nobody.nsfd(['doctor', '--json']).stdout) as Report
    assert.match(outside.checks.find(({ id }) => id === 'holder')?.found ?? '', /^pid \d+, 1 name/)
    const works = ({ features }: Report) => features.filter((each) => each.works).map(({ id }) => id)
    assert.ok(works(outside).includes('rootless') && !works(outside).includes('create'))
    assert.ok(works(JSON.parse(ok('doctor', '--json'))).includes('create'))
  })
})

type Report = { checks: { id: string; found: string }[]; features: { id: string; works: boolean }[] }

async function spawnAndWait(command: string, args: string[], runtime: string) {
  const child = spawn(command, args, {
    env: { ...process.env, XDG_RUNTIME_DIR: runtime, NODE_TEST_CONTEXT: '' },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}
