// exec: the process becomes the command. What the command sees is compared with ip netns exec and nsenter.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Namespace } from 'nsfd'
import { inheritedDescriptors } from '../process/inherited.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { nsfd, shellLine, startNsfd } from './nsfd.js'

const name = uniqueName('exec')

describe('exec', needs('admin'), () => {
  before(() => {
    using net = Namespace.create('net')
    net.pin(name)
    using user = Namespace.create('user')
    user.pin(name)
  })
  after(() => {
    Namespace.unpin(name)
    Namespace.unpin(name, 'user')
  })

  test('the command has the exit code, the arguments, the environment and the input', () => {
    const script = 'cat; printf "%s|" "$0" "$@" "$WORD"; pwd; exit 41'
    const { code, stdout } = nsfd(['exec', name, '--', 'sh', '-c', script, 'a b', '--', '', '$x'], {
      env: { WORD: 'grüße' },
      cwd: '/usr',
      input: 'in ',
    })
    assert.equal(code, 41)
    assert.equal(stdout, 'in a b|--||$x|grüße|/usr\n')
  })

  test('without -- too, as ip netns exec; options may stand before or after the target', () => {
    using net = Namespace.named(name)
    const at = ['readlink', '/proc/self/ns/net']
    for (const line of [
      [name, ...at],
      [name, '--', ...at],
      ['-k', 'net', name, '--', ...at],
      [name, '--kind', 'net', '--', ...at],
    ]) {
      assert.equal(nsfd(['exec', ...line]).stdout.trim(), String(net))
    }
  })

  test('codes as in a shell: 127 not found, 126 not to be run, 1 no such target', () => {
    assert.equal(nsfd(['exec', name, 'nsfd-no-such-command']).code, 127)
    assert.match(nsfd(['exec', name, 'nsfd-no-such-command']).stderr, /^nsfd: ENOENT: .*'nsfd-no-such-command'/)
    assert.equal(nsfd(['exec', name, '/etc/passwd']).code, 126)
    assert.equal(nsfd(['exec', name, '/']).code, 126)
    assert.equal(nsfd(['exec', uniqueName('absent'), 'true']).code, 1)
    assert.equal(nsfd(['exec', '4194304999', 'true']).code, 2)
    assert.equal(nsfd(['exec', '/etc/passwd', 'true']).code, 1)
    assert.match(nsfd(['exec', '/etc/passwd', 'true']).stderr, /is not a namespace/)
    assert.equal(nsfd(['exec', '0', 'true']).code, 2)
  })

  for (const [what, target] of Object.entries({
    'in place': () => [name],
    'through nsenter': () => [name, '-k', 'user', '-k', 'net'],
  })) {
    test(`${what}: nothing of ours is open in the command, no signal is ignored or blocked`, () => {
      const script = 'ls /proc/$$/fd; grep -E "Sig(Ign|Blk)" /proc/self/status'
      const { stdout, stderr } = nsfd(['exec', ...target(), '--', 'sh', '-c', script])
      const lines = stdout.trim().split('\n')
      const open = lines.filter((line) => /^\d+$/.test(line)).map(Number)
      const allowed = inheritedDescriptors()
      assert.deepEqual(
        open.filter((fd) => !allowed.includes(fd)),
        [],
        stderr,
      )
      assert.deepEqual(
        lines.filter((line) => line.startsWith('Sig')).map((line) => Number.parseInt(line.split('\t')[1] ?? '', 16)),
        [0, 0],
      )
    })

    test(`${what}: SIGTERM to our pid ends the command, and we end like it`, { timeout: 20_000 }, async () => {
      const child = startNsfd([
        'exec',
        ...target(),
        '--',
        'sh',
        '-c',
        'echo $$; trap "kill \\$!; exit 7" TERM; sleep 60 & wait',
      ])
      const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer]
      await sleep(50) // until the trap is set
      child.kill('SIGTERM')
      const [code] = await once(child, 'exit')
      assert.equal(code, 7)
      spawnSync('pkill', ['-P', String(line).trim()])
    })

    test(`${what}: a command killed by a signal is 128+n for the shell`, () => {
      const line = shellLine('exec', ...target(), '--', 'sh', '-c', 'kill -9 $$')
      assert.match(spawnSync('sh', ['-c', `${line}; echo code $?`], { encoding: 'utf8' }).stdout, /code 137/)
    })

    test(`${what}: a terminal stays a terminal, in blocking mode; Ctrl-C reaches the command`, {
      skip: noScript(),
    }, async () => {
      const script =
        'test -t 0 && test -t 1 && cat /proc/$$/fdinfo/0; trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done'
      const child = spawn('script', [
        '-qec',
        `exec ${shellLine('exec', ...target(), '--', 'sh', '-c', script)}`,
        '/dev/null',
      ])
      let said = ''
      child.stdout.on('data', (data) => {
        said += data
        if (String(data).includes('ready')) setTimeout(() => child.stdin.write('\x03'), 100)
      })
      const [code] = await once(child, 'close')
      assert.equal(code, 9, said)
      assert.match(said, /caught/)
      const flags = Number.parseInt(/flags:\s*([0-7]+)/.exec(said)?.[1] ?? 'x', 8)
      assert.equal(flags & 0o4000, 0, 'O_NONBLOCK')
    })
  }

  test('through nsenter: a signal that comes in the first moment of the command reaches it', () => {
    const script = 'trap "exit 5" TERM; kill -TERM $PPID; while :; do sleep 0.05; done'
    for (let round = 0; round < 10; round++) {
      const { code, signal } = nsfd(['exec', name, '-k', 'user', '-k', 'net', '--', 'sh', '-c', script])
      assert.deepEqual([code, signal], [5, null])
    }
  })

  test('the pid stays ours: the process becomes the command', async () => {
    const child = startNsfd(['exec', name, '--', 'sh', '-c', 'echo $$'])
    const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer]
    assert.equal(Number(line), child.pid)
    if (child.exitCode === null) await once(child, 'exit')
  })

  test('the same links and the same /sys as ip netns exec, and none of its mounts outside', needs('iproute2'), () => {
    const mountsBefore = mountsOfSysAndEtc()
    spawnSync('ip', ['-n', name, 'link', 'add', 'nsfd-x0', 'type', 'veth', 'peer', 'name', 'nsfd-x1'])
    for (const line of [
      ['ip', '-j', 'link'],
      ['ls', '/sys/class/net'],
      ['cat', '/sys/class/net/nsfd-x0/address'],
    ]) {
      const ours = nsfd(['exec', name, '--', ...line])
      const theirs = spawnSync('ip', ['netns', 'exec', name, ...line], { encoding: 'utf8' })
      assert.equal(ours.stdout, theirs.stdout)
      assert.match(ours.stdout, /\w/)
    }
    assert.doesNotMatch(nsfd(['exec', '--keep-mounts', name, '--', 'ls', '/sys/class/net']).stdout, /nsfd-x0/)
    assert.deepEqual(mountsOfSysAndEtc(), mountsBefore)
  })

  test(
    'files of /etc/netns/NAME stand in for those of /etc; one that has no counterpart is a warning',
    needs('etcNetns'),
    () => {
      const folder = `/etc/netns/${name}`
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'resolv.conf'), 'nameserver 192.0.2.53\n')
      writeFileSync(join(folder, 'nsfd-no-such-file'), '')
      try {
        const { code, stdout, stderr } = nsfd(['exec', name, '--', 'cat', '/etc/resolv.conf'])
        assert.deepEqual([code, stdout], [0, 'nameserver 192.0.2.53\n'])
        assert.match(stderr, /^nsfd: cannot put .*nsfd-no-such-file/)
        assert.doesNotMatch(readFileSync('/etc/resolv.conf', 'utf8'), /192\.0\.2\.53/)
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  )

  test('a pid: its net by default, kinds as asked, --all for what differs; a path: what it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nsfd-exec-'))
    const marker = join(folder, 'marker')
    const script = `mount -t tmpfs nsfd-test ${folder} && touch ${marker} && hostname inside && echo ready && sleep 60`
    const init = spawn('unshare', ['-m', '-u', '-n', '-i', 'sh', '-c', script])
    try {
      await once(init.stdout, 'data')
      const at = (...args: string[]) => nsfd(['exec', String(init.pid), ...args]).stdout.trim()
      const theirs = (kind: string) => readlinkSync(`/proc/${init.pid}/ns/${kind}`)
      const ours = (kind: string) => readlinkSync(`/proc/self/ns/${kind}`)
      const show = ['--', 'readlink', '/proc/self/ns/net', '/proc/self/ns/uts', '/proc/self/ns/mnt']
      assert.equal(at(...show), [theirs('net'), ours('uts'), ours('mnt')].join('\n'))
      assert.equal(at('-k', 'uts', '-k', 'mnt', ...show), [ours('net'), theirs('uts'), theirs('mnt')].join('\n'))
      assert.equal(at('--all', ...show), [theirs('net'), theirs('uts'), theirs('mnt')].join('\n'))
      assert.equal(at('--all', '--', 'sh', '-c', `hostname; ls ${folder}; pwd`), 'inside\nmarker\n/')
      assert.equal(nsfd(['exec', `/proc/${init.pid}/ns/uts`, 'hostname']).stdout, 'inside\n')
    } finally {
      spawnSync('pkill', ['-KILL', '-P', String(init.pid)])
      init.kill('SIGKILL')
      rmSync(folder, { recursive: true })
    }
  })

  test('into a pid namespace and a user namespace: the command is inside', async () => {
    const init = spawn('unshare', [
      '--user',
      '--map-root-user',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      'echo ready; sleep 60',
    ])
    try {
      await once(init.stdout, 'data')
      const pid = readFileSync(`/proc/${init.pid}/task/${init.pid}/children`, 'utf8').trim()
      const { code, stdout, stderr } = nsfd([
        'exec',
        pid,
        '--all',
        '--',
        'sh',
        '-c',
        'readlink /proc/self/ns/pid; id -u; exit 5',
      ])
      assert.equal(code, 5, stderr)
      assert.deepEqual(stdout.trim().split('\n'), [readlinkSync(`/proc/${pid}/ns/pid`), '0'])
    } finally {
      init.kill('SIGKILL')
    }
  })
})

/** Others may mount elsewhere meanwhile. */
function mountsOfSysAndEtc(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.filter((line) => /^\/(sys|etc)(\/|$)/.test(line.split(' ')[4] ?? ''))
}

function noScript(): string | false {
  return spawnSync('script', ['-V']).status === 0 ? false : 'script(1) of util-linux is not installed'
}
