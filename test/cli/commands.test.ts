// add, rm, pin, ls: typed as people type them, checked with ip netns and the kernel.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Namespace } from 'nsfd'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { nsfd, shellLine } from './nsfd.js'

describe('what is typed wrongly', () => {
  const WRONG: [string[], RegExp][] = [
    [[], /Usage: nsfd/],
    [['ad'], /^nsfd: unknown command 'ad'\n\(Did you mean add\?\)/],
    [['nonsense'], /^nsfd: unknown command 'nonsense'/],
    [['--nonsense'], /^nsfd: unknown option '--nonsense'/],
    [['add'], /^nsfd: missing required argument 'name'/],
    [['add', 'a', 'b'], /^nsfd: too many arguments/],
    [['add', '--kind', 'network', 'a'], /^nsfd: option '-k, --kind <kind>' argument 'network' is invalid/],
    [['add', 'a/b'], /^nsfd: The argument name must be a name, not a path/],
    [['add', '..'], /^nsfd: The argument name must not be "\." or "\.\."/],
    [['add', ''], /^nsfd: The argument name must not be empty/],
    [['add', 'x'.repeat(256)], /^nsfd: The argument name must be at most 255 bytes/],
    [['rm'], /^nsfd: missing required argument 'name'/],
    [['rm', '../../etc/passwd'], /^nsfd: The argument name must be a name, not a path/],
    [['pin', '1'], /^nsfd: missing required argument 'name'/],
    [['ls', '--jsn'], /^nsfd: unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [['exec'], /^nsfd: missing required argument 'target'/],
    [['exec', 'x'], /^nsfd: no command given/],
    [['exec', 'x', '--'], /^nsfd: no command given/],
    [['exec', 'x', '--nonsense', '--', 'true'], /^nsfd: unknown option '--nonsense'/],
    [['exec', 'x', '--kind', 'uts', 'true', '--', 'true'], /^nsfd: unexpected 'true' before --/],
    [['exec', 'x', '--all', '--', 'true'], /^nsfd: --all is for a pid/],
    [['stop'], /^nsfd: There is something to stop only with --rootless/],
  ]
  for (const [args, says] of WRONG) {
    test(`nsfd ${args.join(' ').slice(0, 60)}: exit 2, and stderr says what is wrong, without a stack`, () => {
      const { code, stdout, stderr } = nsfd(args)
      assert.equal(code, 2, stderr)
      assert.equal(stdout, '')
      assert.match(stderr, says)
      assert.doesNotMatch(stderr, /\n {4}at /)
    })
  }

  test('every command has --help with examples, and exits with 0', () => {
    for (const name of ['add', 'rm', 'pin', 'ls', 'exec', 'doctor', 'demo', 'stop']) {
      const { code, stdout } = nsfd([name, '--help'])
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`^Usage: nsfd ${name}`))
      assert.match(stdout, /\nExamples:\n {2}nsfd /)
    }
    assert.match(nsfd(['--help']).stdout, /Exit codes:/)
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    assert.equal(nsfd(['--version']).stdout, `${version}\n`)
  })

  test('NSFD_DEBUG=1 adds the stack', () => {
    assert.match(nsfd(['add', 'a/b'], { env: { NSFD_DEBUG: '1' } }).stderr, /\n {4}at /)
  })
})

describe('add, rm, pin, ls', needs('admin'), () => {
  test('what add makes, ip netns lists, and ls too; after rm neither does', needs('iproute2'), () => {
    const name = uniqueName('add')
    assert.deepEqual(nsfd(['add', name]), { code: 0, signal: null, stdout: '', stderr: '' })
    assert.match(ip('netns', 'list'), new RegExp(`^${name}\\b`, 'm'))
    assert.match(nsfd(['ls', '--pins']).stdout, new RegExp(`^net +\\d+ +${name}$`, 'm'))
    assert.deepEqual(nsfd(['rm', name]), { code: 0, signal: null, stdout: '', stderr: '' })
    assert.doesNotMatch(ip('netns', 'list'), new RegExp(name))
    assert.ok(!existsSync(`/run/netns/${name}`))
  })

  test('rm removes what ip netns added', needs('iproute2'), () => {
    const name = uniqueName('ip')
    ip('netns', 'add', name)
    assert.equal(nsfd(['rm', name]).code, 0)
    assert.doesNotMatch(ip('netns', 'list'), new RegExp(name))
  })

  for (const kind of ['uts', 'ipc', 'cgroup', 'mnt', 'user', 'time'] as const) {
    test(`add and rm of kind ${kind}`, () => {
      const name = uniqueName(kind)
      const added = nsfd(['add', '--kind', kind, '--json', name])
      assert.equal(added.code, 0, added.stderr)
      {
        using pinned = Namespace.named(name, kind)
        assert.equal(JSON.parse(added.stdout).id, String(pinned))
      }
      assert.equal(nsfd(['rm', '-k', kind, name]).code, 0)
    })
  }

  test('a pid namespace cannot be added: exit 1, and what to do instead', () => {
    const { code, stderr } = nsfd(['add', '--kind', 'pid', uniqueName('pid')])
    assert.equal(code, 1)
    assert.match(stderr, /its init.*spawn\(\)/)
  })

  test('twice in a row: a failure, unless asked not to be; the namespace stays the same', () => {
    const name = uniqueName('twice')
    assert.equal(nsfd(['add', name]).code, 0)
    const first = String(pinned(name))
    const again = nsfd(['add', name])
    assert.equal(again.code, 1)
    assert.match(again.stderr, /^nsfd: EEXIST: there is already a net pin/)
    const { code, stdout } = nsfd(['add', '--exist-ok', '--json', name])
    assert.deepEqual([code, JSON.parse(stdout).created, JSON.parse(stdout).id], [0, false, first])
    assert.equal(String(pinned(name)), first)
    assert.equal(nsfd(['rm', name]).code, 0)
    assert.match(nsfd(['rm', name]).stderr, /^nsfd: ENOENT: there is no net pin/)
    assert.equal(nsfd(['rm', name]).code, 1)
    assert.deepEqual(nsfd(['rm', '--force', name]), { code: 0, signal: null, stdout: '', stderr: '' })
  })

  test('rm of several goes on after one that fails, and says so', () => {
    const [a, missing, b] = [uniqueName('a'), uniqueName('missing'), uniqueName('b')] as const
    nsfd(['add', a])
    nsfd(['add', b])
    const { code, stdout, stderr } = nsfd(['rm', '--json', a, missing, b])
    assert.equal(code, 1)
    assert.deepEqual(JSON.parse(stdout), { kind: 'net', removed: [a, b] })
    assert.match(stderr, new RegExp(missing))
  })

  test('pin by pid, by path and by name; a name that is taken is refused, unless by the same namespace', () => {
    const [name, copy] = [uniqueName('target'), uniqueName('copy')] as const
    nsfd(['add', name])
    try {
      assert.equal(nsfd(['pin', name, copy]).code, 0)
      assert.equal(String(pinned(copy)), String(pinned(name)))
      assert.equal(nsfd(['pin', `/run/netns/${name}`, copy]).code, 1)
      assert.equal(nsfd(['pin', '--exist-ok', `/run/netns/${name}`, copy]).code, 0)
      const other = nsfd(['pin', '--exist-ok', String(process.pid), copy])
      assert.deepEqual([other.code, /EEXIST/.test(other.stderr)], [1, true])
      nsfd(['rm', copy])
      const { code, stdout, stderr } = nsfd(['pin', '--json', String(process.pid), copy])
      assert.equal(code, 0, stderr)
      assert.equal(JSON.parse(stdout).id, readlinkSync('/proc/self/ns/net'))
      const uts = nsfd(['pin', '--kind', 'net', '/proc/self/ns/uts', uniqueName('never')])
      assert.deepEqual([uts.code, /is a uts namespace, not a net namespace/.test(uts.stderr)], [1, true])
    } finally {
      nsfd(['rm', '-f', name, copy])
    }
  })

  test('ls says of a stale name that it is stale, in the table and in JSON; rm clears it away', () => {
    const [name, other] = [uniqueName('stale'), uniqueName('living')] as const
    nsfd(['add', other]) // so that the directory is there
    writeFileSync(`/run/netns/${name}`, '')
    try {
      assert.match(nsfd(['ls', '--pins']).stdout, new RegExp(`${name} \\(stale\\)`))
      const { stale } = JSON.parse(nsfd(['ls', '--json']).stdout)
      assert.ok(stale.some((each: { name: string }) => each.name === name))
      assert.equal(nsfd(['rm', name]).code, 0)
    } finally {
      if (existsSync(`/run/netns/${name}`)) unlinkSync(`/run/netns/${name}`)
      nsfd(['rm', other])
    }
  })

  test('1,000 names: ls lists them, one rm removes them', () => {
    const prefix = uniqueName('many')
    const names = Array.from({ length: 1000 }, (_, i) => `${prefix}-${i}`)
    using uts = Namespace.create('uts')
    for (const name of names) uts.pin(name)
    try {
      const { namespaces } = JSON.parse(nsfd(['ls', '--kind', 'uts', '--json']).stdout)
      const found = namespaces.find(({ id }: { id: string }) => id === String(uts))
      assert.deepEqual(found.pins.map((pin: { name: string }) => pin.name).sort(), [...names].sort())
    } finally {
      const { code, stderr } = nsfd(['rm', '--kind', 'uts', ...names])
      assert.equal(code, 0, stderr)
    }
    assert.deepEqual(
      Namespace.list('uts').filter(({ name }) => name.startsWith(prefix)),
      [],
    )
  })
})

describe('ls', () => {
  test('shows this process in JSON, and the home namespaces with a star in the table', () => {
    const { namespaces } = JSON.parse(nsfd(['ls', '--kind', 'net', '--kind', 'uts', '--json']).stdout)
    const home = namespaces.find(({ id }: { id: string }) => id === readlinkSync('/proc/self/ns/net'))
    assert.ok(home.processes.some(({ pid }: { pid: number }) => pid === process.pid))
    assert.deepEqual([...new Set(namespaces.map(({ kind }: { kind: string }) => kind))].sort(), ['net', 'uts'])
    const ino = readlinkSync('/proc/self/ns/net').replace(/\D/g, '')
    assert.match(nsfd(['ls']).stdout, new RegExp(`^net +\\*${ino} `, 'm'))
  })

  test('no colours into a pipe; colours on a terminal, but not with NO_COLOR', { skip: noScript() }, () => {
    const colour = '\x1b['
    assert.ok(!nsfd(['ls']).stdout.includes(colour))
    assert.ok(onTerminal(shellLine('ls')).includes(colour))
    assert.ok(!onTerminal(`NO_COLOR=1 ${shellLine('ls')}`).includes(colour))
  })

  test('a reader that goes away is no error', async () => {
    const child = spawn('sh', ['-c', `${shellLine('ls', '--json')} | head -c 1; exit 0`])
    let stderr = ''
    child.stderr.on('data', (data) => {
      stderr += data
    })
    await new Promise((resolve) => child.once('close', resolve))
    assert.equal(stderr, '')
  })
})

function ip(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

function pinned(name: string): { toString(): string } {
  using namespace = Namespace.named(name)
  const text = namespace.toString()
  return { toString: () => text }
}

function noScript(): string | false {
  return spawnSync('script', ['-V']).status === 0 ? false : 'script(1) of util-linux is not installed'
}

function onTerminal(line: string): string {
  const env = { ...process.env, NODE_TEST_CONTEXT: '', TERM: 'xterm' } as NodeJS.ProcessEnv
  delete env.NO_COLOR
  return spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8', env }).stdout
}
