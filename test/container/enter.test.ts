// nsfd enter as a person uses it: on a terminal, in a pipe, with your own tools, and typed wrongly.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Namespace } from 'nsfd'
import { nsfd, shellLine, startNsfd } from '../cli/nsfd.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { docker, dockerRun, needsEngine, output, type Running } from './engines.js'
import { inTerminal, onTerminal, runs } from './terminal.js'

describe('nsfd enter', needsEngine('docker'), () => {
  let web: Running
  let word: string
  const inside = (...args: string[]) => nsfd(['enter', word, ...args])
  before(() => {
    web = dockerRun()
    word = `docker:${web.name}`
  })
  after(() => web[Symbol.dispose]())

  test('on a terminal: a shell with a terminal of its own, sized as yours and resized with it', async () => {
    const session = onTerminal(['sh', '-c', shellLine('enter', word)])
    await session.shows(/# /)
    session.type('stty size; echo $TERM; hostname\n')
    await session.shows(new RegExp(`24 80\\r\\nxterm\\r\\n${web.id.slice(0, 12)}[\\s\\S]*# `))
    session.resize(132, 50)
    session.type('sleep 0.2; stty size\n')
    await session.shows(/50 132/)
    session.type('exit 5\n')
    assert.equal(await session.ended, 5)
  })

  test('on a terminal: Ctrl-C ends what runs, Ctrl-Z stops it, Ctrl-D ends the shell; yours is as it was', async () => {
    const long = String(1_000_000 + process.pid)
    const line = `stty -a > /dev/null; before=$(stty -g); ${shellLine('enter', word)}; [ "$before" = "$(stty -g)" ] && echo same`
    const session = onTerminal(['sh', '-c', line])
    await session.shows(/# /)
    session.type(`sleep ${long}\n`)
    await runs('sleep', long)
    session.type('\x03')
    await session.shows(/\^C[\s\S]*# /)
    session.type('echo code $?\n')
    await session.shows(/\ncode 130[\s\S]*# /)
    session.type(`sleep ${long}1\n`)
    await runs('sleep', `${long}1`)
    session.type('\x1a')
    await session.shows(/Stopped[\s\S]*# /)
    session.type('kill -9 %1; wait; echo gone\n')
    await session.shows(/\ngone[\s\S]*# /)
    session.type('\x04')
    if ((await session.shows(/same|You have stopped jobs[\s\S]*# /)) !== 'same') {
      session.type('\x04')
      await session.shows(/same/)
    }
    assert.equal(await session.ended, 0)
  })

  test('a terminal that goes away takes the shell and nsfd along', async () => {
    const session = onTerminal([
      'sh',
      '-c',
      `exec ${shellLine('enter', word, '--', 'sh', '-c', 'echo up; sleep 1003')}`,
    ])
    await session.shows(/up/)
    session.hangUp()
    await session.ended
    const deadline = Date.now() + 5000
    const left = () => docker('exec', web.name, 'sh', '-c', 'pgrep -f "sleep 100[3]" || true')
    while (left() !== '' && Date.now() < deadline) await sleep(50)
    assert.equal(left(), '')
  })

  test('on a terminal: what fails to start says so, and gives the terminal back', async () => {
    const line = `${shellLine('enter', word, '--', 'nsfd-none')}; echo code $?; stty -a`
    const screen = await inTerminal(['sh', '-c', line])
    assert.match(screen, /ENOENT.*nsfd-none/)
    assert.match(screen, /code 127/)
    assert.match(screen, / icanon/)
  })

  test('in a pipe: stdin to its end, stdout and stderr apart, the command’s exit code', () => {
    const { code, stdout, stderr } = nsfd(['enter', word, '--', 'sh', '-c', 'cat; echo err >&2; exit 9'], {
      input: 'in',
    })
    assert.deepEqual({ code, stdout, stderr }, { code: 9, stdout: 'in', stderr: 'err\n' })
  })

  test('a megabyte each way arrives whole', () => {
    const input = 'y'.repeat(1_000_000)
    const { code, stdout, stderr } = nsfd(['enter', word, '--', 'cat'], { input })
    assert.deepEqual({ code, stderr, same: stdout === input }, { code: 0, stderr: '', same: true })
  })

  test('pipes that the command is lent are blocking ones, as it was started with: a slow reader is no error', () => {
    const O_NONBLOCK = 0o4000
    for (const options of [[], ['--env', 'A=1']]) {
      const { stdout } = inside(...options, '--', 'sh', '-c', 'sleep 0.3; grep -h flags /proc/self/fdinfo/[012]')
      const flags = stdout.match(/[0-7]+$/gm)?.map((octal) => Number.parseInt(octal, 8) & O_NONBLOCK)
      assert.deepEqual(flags, [0, 0, 0])
    }
  })

  test('a command that ends without reading, or whose children go on, does not keep nsfd', () => {
    assert.equal(nsfd(['enter', word, '--', 'true'], { input: 'y'.repeat(1_000_000) }).code, 0)
    const begun = Date.now()
    const line = shellLine('enter', word, '--', 'sh', '-c', 'sleep 1002 & echo started')
    assert.equal(output('sh', '-c', `f=$(mktemp); ${line} > $f 2> /dev/null; cat $f; rm $f`), 'started')
    assert.ok(Date.now() - begun < 5000)
    docker('exec', web.name, 'sh', '-c', 'pkill -9 -f "sleep 100[2]" || true')
  })

  test('exit codes: not found 127, not executable 126, killed 128 and the signal', () => {
    assert.equal(inside('--', 'nsfd-none').code, 127)
    assert.equal(inside('--', '/etc/passwd').code, 126)
    assert.equal(inside('--', 'sh', '-c', 'kill -TERM $$').code, 143)
    assert.equal(nsfd(['enter', 'docker:nsfd-none', '--', 'true']).code, 1)
  })

  test('a signal sent to nsfd reaches the command', async () => {
    const entering = startNsfd([
      'enter',
      word,
      '--',
      'sh',
      '-c',
      'trap "echo got; exit 4" TERM; echo ready; while :; do sleep 0.1; done',
    ])
    const lines: string[] = []
    entering.stdout?.on('data', (text) => lines.push(String(text)))
    await once(entering.stdout as NodeJS.ReadableStream, 'data')
    entering.kill('SIGTERM')
    assert.deepEqual(await once(entering, 'exit'), [4, null])
    assert.match(lines.join(''), /got/)
  })

  test('--net, and --no-root: your own tools and files in its namespaces', () => {
    const ours = readdirSync('/').join('\n')
    const script = 'readlink /proc/self/ns/net; ls -A /'
    const [net, ...files] = inside('--net', '--', 'sh', '-c', script).stdout.trim().split('\n')
    assert.equal(net, docker('exec', web.name, 'readlink', '/proc/self/ns/net'))
    assert.equal(files.sort().join('\n'), ours.split('\n').sort().join('\n'))
    const { stdout } = inside('--no-root', '--', 'sh', '-c', 'hostname; readlink /proc/self/ns/mnt')
    const mounts = nsfd([
      'enter',
      'pid:self'.replace('self', String(process.pid)),
      '--',
      'readlink',
      '/proc/self/ns/mnt',
    ]).stdout
    assert.equal(stdout, `${web.id.slice(0, 12)}\n${mounts}`)
  })

  test('--uid, --cwd, --env and --keep-cgroup', () => {
    const script = 'id -u; id -g; pwd; echo $A; cat /proc/self/cgroup'
    const { stdout } = inside(
      '--uid',
      '1000:2000',
      '--cwd',
      '/tmp',
      '--env',
      'A=b=c',
      '--keep-cgroup',
      '--',
      'sh',
      '-c',
      script,
    )
    assert.match(stdout, /^1000\n2000\n\/tmp\nb=c\n/)
    assert.doesNotMatch(stdout, new RegExp(web.id))
  })

  for (const args of [['--uid', 'root'], ['--env', '=x'], ['--env', 'novalue'], ['--mnt', '--no-root'], ['--bogus']]) {
    test(`${args.join(' ')} is a mistake in the command line`, () => {
      const { code, stderr } = inside(...args, '--', 'true')
      assert.equal(code, 2, stderr)
      assert.match(stderr, /^nsfd: /)
    })
  }

  test('nsfd cp says what it cannot do', () => {
    assert.equal(nsfd(['cp', '/etc/hosts', '/tmp/x']).code, 2)
    assert.equal(nsfd(['cp', `${word}:/a`, `${word}:/b`]).code, 2)
    const missing = nsfd(['cp', `${word}:/none`, '/tmp/nsfd-none'])
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /ENOENT.*\/none/)
  })

  test('what a container calls itself cannot steer your terminal', () => {
    using evil = dockerRun(
      ['--label', 'x=\u001b[31mred\u0007'],
      ['sh', '-c', 'exec -a "$(printf "\\033]0;owned\\007")" sleep 1000000'],
    )
    for (const args of [['ps'], ['ps', `docker:${evil.name}`], ['inspect', `docker:${evil.name}`]]) {
      assert.ok(!/\p{Cc}/u.test(nsfd(args).stdout.replaceAll('\n', '')))
    }
  })
})

describe('nsfd enter, with a pin', needs('root'), () => {
  test('runs your command in that namespace', () => {
    using namespace = Namespace.create('net')
    using pin = namespace.pin(uniqueName('n'))
    for (const word of [`net:${pin.name}`, pin.name, pin.path]) {
      assert.equal(nsfd(['enter', word, '--', 'readlink', '/proc/self/ns/net']).stdout, `${namespace}\n`)
    }
  })
})
