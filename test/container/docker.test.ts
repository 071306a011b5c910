// Targets of a real Docker Engine: found by word, held, entered, run in.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readlinkSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Namespace, openTarget, spawn, type Target } from 'nsfd'
import { uniqueName } from '../support/names.js'
import { docker, dockerRun, needsEngine, type Running } from './engines.js'

/** spawn() returns when the child is on its way in; a moment later it is the command. */
async function becomes(child: ChildProcess, command: string): Promise<void> {
  while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== `${command}\n`) await sleep(1)
}

describe('a word', needsEngine('docker'), () => {
  let web: Running
  before(() => {
    web = dockerRun(['--label', 'tier=front'])
  })
  after(() => web[Symbol.dispose]())

  test('docker:NAME, docker:ID, docker:PREFIX, NAME and ID mean the same container', async () => {
    const pid = Number(docker('inspect', '--format', '{{.State.Pid}}', web.name))
    for (const word of [`docker:${web.name}`, `docker:${web.id}`, `docker:${web.id.slice(0, 20)}`, web.name, web.id]) {
      using target = await openTarget(word)
      assert.equal(target.pid, pid, word)
      assert.equal(target.id, web.id, word)
      assert.equal(target.name, web.name, word)
    }
  })

  test('the target knows engine, labels, image, environment, ids, root and namespaces', async () => {
    using target = await openTarget(`docker:${web.name}`)
    assert.equal(target.engine, 'docker')
    assert.deepEqual(target.labels, { tier: 'front' })
    assert.equal(target.environment.IMAGE, 'nsfd')
    assert.equal(target.environment.HOSTNAME, web.id.slice(0, 12))
    assert.deepEqual(target.uidMap, [{ inside: 0, outside: 0, count: 4294967295 }])
    assert.equal(readFileSync(`${target.root}/etc/hostname`, 'utf8').trim(), web.id.slice(0, 12))
    for (const [kind, namespace] of target.namespaces) {
      assert.equal(String(namespace), readlinkSync(`/proc/${target.pid}/ns/${kind}`))
    }
  })

  test('a container that is not there, or not running, is an error that says so', async () => {
    await assert.rejects(openTarget('docker:nsfd-never'), { code: 'ERR_NSFD_NO_SUCH_TARGET' })
    await assert.rejects(openTarget('nsfd-never'), { code: 'ERR_NSFD_NO_SUCH_TARGET', message: /nsfd-never/ })
    using stopped = dockerRun([], ['true'])
    docker('wait', stopped.name)
    await assert.rejects(openTarget(`docker:${stopped.name}`), { code: 'ERR_NSFD_NOT_RUNNING', message: /exited/ })
  })

  test('an id prefix of several containers, or a name that a pin has too, lists what it could mean', async () => {
    using pinned = Namespace.create('net')
    using pin = pinned.pin(web.name)
    await assert.rejects(openTarget(web.name), (error: Error & { code: string }) => {
      assert.equal(error.code, 'ERR_NSFD_AMBIGUOUS_TARGET')
      assert.match(error.message, new RegExp(`docker:${web.name}`))
      assert.match(error.message, new RegExp(`net:${pin.name}`))
      return true
    })
    // Sixteen first digits: of seventeen containers two begin alike.
    const more: Running[] = []
    try {
      const firstDigits = () => [web, ...more].map(({ id }) => id[0])
      while (new Set(firstDigits()).size === firstDigits().length) more.push(dockerRun())
      const digits = firstDigits()
      const twice = digits.find((digit, index) => digits.indexOf(digit) !== index) as string
      await assert.rejects(openTarget(`docker:${twice}`), { code: 'ERR_NSFD_AMBIGUOUS_TARGET' })
    } finally {
      for (const each of more) each[Symbol.dispose]()
    }
  })

  for (const word of [
    '',
    'docker:',
    'nope:x',
    'docker:a\0b',
    'docker:../../x',
    'docker:a b',
    'pid:0',
    'pid:-1',
    'net:..',
  ]) {
    test(`${JSON.stringify(word)} is refused, and reaches neither engine nor kernel as something else`, async () => {
      await assert.rejects(openTarget(word), (error: { code: string }) =>
        ['ERR_INVALID_ARG_VALUE', 'ERR_NSFD_NO_SUCH_TARGET', 'ENOENT'].includes(error.code),
      )
    })
  }
})

describe('a held container', needsEngine('docker'), () => {
  test('that died is not entered: the error says so, whatever has its name or pid now', async () => {
    const name = uniqueName('c')
    using first = { [Symbol.dispose]: () => void docker('rm', '--force', name) }
    void first
    docker('run', '--detach', '--name', name, '--network=none', 'nsfd.local/busybox:1')
    using target = await openTarget(`docker:${name}`)
    docker('restart', '--time', '0', name)
    assert.equal(target.alive, false)
    assert.throws(() => target.spawn('true'), { code: 'ERR_NSFD_TARGET_GONE', message: new RegExp(name) })
    await assert.rejects(target.fs.readFile('/etc/hostname'), { code: 'ERR_NSFD_TARGET_GONE' })
    docker('rm', '--force', name)
    docker('run', '--detach', '--name', name, '--network=none', 'nsfd.local/busybox:1')
    assert.throws(() => target.spawn('true'), { code: 'ERR_NSFD_TARGET_GONE' })
    using again = await openTarget(`docker:${name}`)
    assert.equal((await again.exec('hostname')).stdout, `${again.id.slice(0, 12)}\n`)
  })

  test('opened while it restarts again and again is the right one or an error, never another', async () => {
    using web = dockerRun()
    const wrong: string[] = []
    let [opened, refused] = [0, 0]
    for (let round = 0; round < 4; round++) {
      const restarting = new Promise<void>((resolve) => {
        import('node:child_process').then(({ execFile }) =>
          execFile('docker', ['restart', '--time', '0', web.name], () => resolve()),
        )
      })
      let over = false
      restarting.then(() => {
        over = true
      })
      while (!over) {
        try {
          using target = await openTarget(`docker:${web.name}`)
          opened++
          const cgroup = readFileSync(`/proc/${target.pid}/cgroup`, 'utf8')
          if (!cgroup.includes(web.id)) wrong.push(cgroup)
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException
          // ENOENT, ESRCH: it ended between being opened and being looked at by this test.
          assert.match(String(code), /ERR_NSFD_(TARGET_GONE|NOT_RUNNING)|ENOENT|ESRCH/)
          refused++
        }
      }
      await restarting
    }
    assert.deepEqual(wrong, [])
    assert.ok(opened + refused > 10, `${opened} opened, ${refused} refused`)
  })

  test('closed, it is used no more', async () => {
    using web = dockerRun()
    const target = await openTarget(`docker:${web.name}`)
    target.close()
    target.close()
    assert.throws(() => target.spawn('true'), { code: 'ERR_NSFD_CLOSED' })
    assert.throws(() => target.namespace('net'), { code: 'ERR_NSFD_CLOSED' })
  })
})

describe('target.run', needsEngine('docker'), () => {
  test('serves and fetches inside; home and the container’s own programs see what they should', async () => {
    using web = dockerRun()
    using target = await openTarget(`docker:${web.name}`)
    const body = await target.run(async () => {
      const server = http.createServer((_, response) => response.end(`from ${target.name}`)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      try {
        const fromInside = await target.exec('wget', ['-q', '-O', '-', `http://127.0.0.1:${port}/`])
        assert.equal(fromInside.stdout, `from ${target.name}`)
        return await (await fetch(`http://127.0.0.1:${port}/`)).text()
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
    assert.equal(body, `from ${target.name}`)
  })

  test('looks names up in the container’s own hosts file', async () => {
    using web = dockerRun(['--add-host', 'inside.nsfd.test:127.0.0.7'])
    using target = await openTarget(`docker:${web.name}`)
    const { lookup } = await import('node:dns/promises')
    const { address } = await target.run(() => lookup('inside.nsfd.test'))
    assert.equal(address, '127.0.0.7')
    await assert.rejects(lookup('inside.nsfd.test'))
  })
})

describe('spawn(target)', needsEngine('docker'), () => {
  let web: Running
  let target: Target
  before(async () => {
    web = dockerRun(['--memory', '100m'])
    target = await openTarget(`docker:${web.name}`)
  })
  after(() => {
    target.close()
    web[Symbol.dispose]()
  })

  test('the child’s pid is the command’s own, in all namespaces and the root of the container', async () => {
    const child = spawn(target, 'sleep', ['100'])
    await becomes(child, 'sleep')
    for (const kind of target.namespaces.keys()) {
      assert.equal(readlinkSync(`/proc/${child.pid}/ns/${kind}`), String(target.namespace(kind)))
    }
    assert.equal(readFileSync(`/proc/${child.pid}/root/etc/hostname`, 'utf8'), `${web.id.slice(0, 12)}\n`)
    assert.match(readFileSync(`/proc/${child.pid}/cgroup`, 'utf8'), new RegExp(web.id))
    child.kill('SIGUSR1')
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGUSR1'])
  })

  test('exit code, stdio of any sort, and a fourth descriptor', async () => {
    const child = target.spawn('sh', ['-c', 'cat; echo err >&2; echo four >&4; exit 42'], {
      stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'pipe'],
    })
    const read = async (stream: unknown) => {
      let text = ''
      for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk
      return text
    }
    child.stdin?.end('in')
    const all = Promise.all([read(child.stdout), read(child.stderr), read(child.stdio[4]), once(child, 'exit')])
    assert.deepEqual(await all, ['in', 'err\n', 'four\n', [42, null]])
    assert.equal(child.stdio.length, 5)
  })

  test('an IPC channel works across', async () => {
    const child = target.spawn('sh', ['-c', 'read line <&3; echo "$line" >&2; echo \'{"from":"inside"}\' >&3'], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.send({ from: 'outside' })
    assert.deepEqual(await once(child, 'message'), [{ from: 'inside' }, undefined])
    child.disconnect()
    await once(child, 'exit')
  })

  test('a command that is not there, may not be run or is no program is an error event, and exits with 127', async () => {
    for (const [command, code] of [
      ['nsfd-no-such', 'ENOENT'],
      ['/etc/passwd', 'EACCES'],
      ['/etc', 'EACCES'],
    ] as const) {
      const child = target.spawn(command)
      const exit = new Promise((resolve) => child.once('exit', resolve))
      const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve))
      assert.equal(error.code, code, command)
      assert.equal(error.path, command)
      await exit
      assert.equal(child.exitCode, 127)
    }
  })

  test('uid, gid, groups and cwd are the container’s or those given; a cwd that is not there is an error', async () => {
    const id = async (options: object) => (await target.exec('sh', ['-c', 'id -u; id -g; id -G; pwd'], options)).stdout
    assert.equal(await id({}), '0\n0\n0\n/\n')
    assert.equal(await id({ uid: 1000, gid: 1000, groups: [2000], cwd: '/tmp' }), '1000\n1000\n1000 2000\n/tmp\n')
    await assert.rejects(target.exec('true', [], { cwd: '/none' }), { code: 'ENOENT', message: /directory '\/none'/ })
    for (const uid of [-1, 1.5, 2 ** 32 - 1, '0']) {
      assert.throws(() => target.spawn('true', [], { uid: uid as number }), { code: 'ERR_INVALID_ARG_VALUE' })
    }
  })

  test('environment: the container’s, nothing of ours; or exactly the one given', async () => {
    process.env.NSFD_SECRET = 'ours'
    const env = async (options: object) => (await target.exec('env', [], options)).stdout
    try {
      const theirs = docker('exec', web.name, 'env').split('\n').sort()
      assert.deepEqual((await env({})).trim().split('\n').sort(), theirs)
      assert.equal(await env({ env: { A: '1', GONE: undefined, PATH: '/bin' } }), 'A=1\nPATH=/bin\n')
    } finally {
      delete process.env.NSFD_SECRET
    }
  })

  test('capabilities are the container’s, not ours; `privileged` keeps ours', async () => {
    const caps = async (options: object) => (await target.exec('grep', ['CapEff', '/proc/self/status'], options)).stdout
    assert.equal(await caps({}), `${docker('exec', web.name, 'grep', 'CapEff', '/proc/self/status')}\n`)
    assert.equal(await caps({ privileged: true }), /CapEff.*\n/.exec(readFileSync('/proc/self/status', 'utf8'))?.[0])
    assert.match(await caps({ uid: 1000 }), /CapEff:\t0000000000000000\n/)
  })

  test('namespaces: only some are entered; without mnt the command, its files and its environment are ours', async () => {
    const child = target.spawn('sleep', ['100'], { namespaces: ['net', 'uts'] })
    await becomes(child, 'sleep')
    for (const kind of ['net', 'uts'] as const) {
      assert.equal(readlinkSync(`/proc/${child.pid}/ns/${kind}`), String(target.namespace(kind)))
    }
    for (const kind of ['mnt', 'pid', 'ipc']) {
      assert.equal(readlinkSync(`/proc/${child.pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`))
    }
    assert.equal(readlinkSync(`/proc/${child.pid}/root`), '/')
    assert.match(readFileSync(`/proc/${child.pid}/environ`, 'utf8'), new RegExp(`PATH=${process.env.PATH}`))
    child.kill()
    await once(child, 'exit')
  })

  test('joins the cgroup unless told not to; limits are the container’s', async () => {
    const cgroup = async (options: object) => (await target.exec('cat', ['/proc/self/cgroup'], options)).stdout
    assert.match(await cgroup({}), new RegExp(web.id))
    assert.doesNotMatch(await cgroup({ cgroup: false }), new RegExp(web.id))
    const limits = await target.exec('cat', ['/proc/self/limits'])
    assert.equal(`${limits.stdout}`.trim(), docker('exec', web.name, 'cat', '/proc/self/limits'))
  })

  test('a thousand arguments and one of 100,000 bytes arrive; NUL is refused', async () => {
    const args = Array.from({ length: 1000 }, (_, index) => `arg ${index} "'$`)
    const { stdout } = await target.exec('sh', ['-c', 'for a; do echo "$a"; done', 'sh', ...args])
    assert.equal(stdout, `${args.join('\n')}\n`)
    const long = 'x'.repeat(100_000)
    assert.equal((await target.exec('echo', [long])).stdout, `${long}\n`)
    assert.throws(() => target.spawn('echo', ['a\0b']), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => target.spawn(''), { code: 'ERR_INVALID_ARG_VALUE' })
  })

  test('execIn: output, input, timeout, abort, limits of output, failure', async () => {
    assert.equal((await target.exec('cat', [], { input: 'hello' })).stdout, 'hello')
    await assert.rejects(target.exec('sh', ['-c', 'echo why >&2; exit 3']), {
      code: 'ERR_NSFD_EXIT',
      message: /3: why/,
    })
    assert.equal((await target.exec('false', [], { reject: false })).code, 1)
    await assert.rejects(target.exec('sleep', ['100'], { timeout: 50 }), { code: 'ETIMEDOUT' })
    await assert.rejects(target.exec('sh', ['-c', 'sleep 100 & sleep 100'], { timeout: 50 }), { code: 'ETIMEDOUT' })
    await assert.rejects(target.exec('sleep', ['100'], { signal: AbortSignal.timeout(50) }), { name: 'AbortError' })
    await assert.rejects(target.exec('true', [], { signal: AbortSignal.abort() }), { name: 'AbortError' })
    await assert.rejects(target.exec('yes', [], { maxBuffer: 10_000 }), { code: 'ERR_NSFD_MAXBUFFER' })
    docker('exec', web.name, 'sh', '-c', 'kill -9 $(pidof sleep | tr " " "\\n" | grep -vx 1) 2>/dev/null; true')
  })
})
