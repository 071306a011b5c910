// target.fs: files of a container from outside. Nothing a container puts in their place leads out of it, or hangs us.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openTarget, type Target } from 'nsfd'
import { dockerRun, needsEngine, type Running } from './engines.js'

const folder = mkdtempSync(join(tmpdir(), 'nsfd-files-'))
after(() => rmSync(folder, { recursive: true }))
const here = (name: string) => join(folder, name)

describe('target.fs', needsEngine('docker'), () => {
  let web: Running
  let target: Target
  const inside = (script: string) => target.exec('sh', ['-c', script])
  before(async () => {
    web = dockerRun()
    target = await openTarget(`docker:${web.name}`)
    // Something of the host's that must not be reached, under a path that the container has too.
    writeFileSync('/tmp/nsfd-host-secret', 'host secret')
  })
  after(() => {
    target.close()
    web[Symbol.dispose]()
    rmSync('/tmp/nsfd-host-secret', { force: true })
  })

  test('readFile, writeFile, readdir, stat and lstat do what their names say, over there', async () => {
    await inside('mkdir /srv; echo hello > /srv/a; chmod 640 /srv/a; ln -s a /srv/link')
    assert.equal(await target.fs.readFile('/srv/a', 'utf8'), 'hello\n')
    assert.deepEqual(await target.fs.readFile('/srv/link'), Buffer.from('hello\n'))
    await target.fs.writeFile('/srv/a', 'shorter')
    await target.fs.writeFile('/srv/new', Buffer.from([0, 255]), { mode: 0o600, uid: 1000, gid: 1000 })
    assert.equal((await inside('cat /srv/a; stat -c "%a %u %g %s" /srv/new')).stdout, 'shorter600 1000 1000 2\n')
    assert.deepEqual((await target.fs.readdir('/srv')).map(({ name }) => name).sort(), ['a', 'link', 'new'])
    assert.equal((await target.fs.stat('/srv/link')).size, 7)
    assert.ok((await target.fs.lstat('/srv/link')).isSymbolicLink())
    assert.equal(await target.fs.readFile('srv/../srv/./a', 'utf8'), 'shorter')
  })

  test('bad paths and files that are not there have their own errors', async () => {
    for (const path of ['', 'a\0b', 7]) {
      await assert.rejects(target.fs.readFile(path as string), { code: 'ERR_INVALID_ARG_VALUE' })
    }
    await assert.rejects(target.fs.readFile('/none'), { code: 'ENOENT' })
    await assert.rejects(target.fs.writeFile('/none/x', ''), { code: 'ENOENT' })
    await assert.rejects(target.fs.readFile('/etc'), { code: 'ERR_NSFD_NOT_A_FILE', message: /directory/ })
    await assert.rejects(target.fs.readdir('/etc/passwd'), { code: 'ENOTDIR' })
    await assert.rejects(target.fs.writeFile('/x', 7 as unknown as string), { code: 'ERR_INVALID_ARG_VALUE' })
  })

  test('links to files of the host, absolute or with any number of "..", end in the container', async () => {
    const up = '../'.repeat(40)
    await inside(`ln -s /etc/shadow /s1; ln -s ${up}etc/shadow /s2; ln -s ${up}tmp/nsfd-host-secret /s3`)
    for (const path of ['/s1', '/s2', '/s3', `/${up}tmp/nsfd-host-secret`, '/../../tmp/nsfd-host-secret']) {
      await assert.rejects(target.fs.readFile(path), { code: 'ENOENT' }, path)
    }
    await inside('echo theirs > /tmp/nsfd-host-secret')
    assert.equal(await target.fs.readFile('/s3', 'utf8'), 'theirs\n')
    await target.fs.writeFile('/s3', 'changed')
    assert.equal(readFileSync('/tmp/nsfd-host-secret', 'utf8'), 'host secret')
    await assert.rejects(
      target.fs.writeFile('/s1', 'owned'),
      { code: 'EEXIST' },
      'a link to nowhere is not written through',
    )
  })

  test('links of /proc that lead to other roots are refused', async () => {
    await inside('ln -s /proc/self/root/etc/shadow /p1; ln -s /proc/1/root/etc/passwd /p2; ln -s /proc/1/cwd /p3')
    for (const path of ['/p1', '/p2', '/p3', '/proc/1/root/etc/passwd', '/proc/1/fd/0', '/proc/1/exe']) {
      await assert.rejects(target.fs.readFile(path), /ELOOP|ENOENT/, path)
    }
  })

  test('FIFOs, sockets and devices in place of files are not opened, and nothing hangs', async () => {
    await inside('mkfifo /fifo; mknod /null c 1 3; mknod /zero c 1 5; mknod /tty c 5 0')
    for (const path of ['/fifo', '/null', '/zero', '/tty', '/dev/zero']) {
      await assert.rejects(target.fs.readFile(path), { code: 'ERR_NSFD_NOT_A_FILE' }, path)
      await assert.rejects(target.fs.writeFile(path, 'x'), { code: 'ERR_NSFD_NOT_A_FILE' }, path)
      await assert.rejects(target.fs.copyOut(path, here('device')), { code: 'ERR_NSFD_NOT_A_FILE' }, path)
    }
    assert.equal(existsSync(here('device')), false)
  })

  test('a file of 10 GB is refused before anything of it is read or written', async () => {
    await inside('truncate -s 10G /huge')
    await assert.rejects(target.fs.readFile('/huge'), { code: 'ERR_NSFD_TOO_LARGE' })
    await assert.rejects(target.fs.copyOut('/huge', here('huge')), { code: 'ERR_NSFD_TOO_LARGE' })
    assert.equal(existsSync(here('huge')), false)
    await assert.rejects(target.fs.readFile('/etc/passwd', { maxBytes: 10 }), { code: 'ERR_NSFD_TOO_LARGE' })
  })

  test('a file that grows and shrinks while it is read ends, and within its limit', async () => {
    const writer = target.spawn('sh', ['-c', 'while :; do echo 0123456789 >> /grows; done'], { stdio: 'ignore' })
    const shrinker = target.spawn('sh', ['-c', 'while :; do : > /shrinks; head -c 100000 /dev/zero > /shrinks; done'], {
      stdio: 'ignore',
    })
    try {
      while (!(await target.fs.readdir('/')).some(({ name }) => name === 'grows')) await new Promise(setImmediate)
      for (let round = 0; round < 50; round++) {
        const { bytes } = await target.fs.copyOut('/grows', here('grows'))
        assert.equal(statSync(here('grows')).size, bytes)
        const shrinking = await target.fs.readFile('/shrinks').catch(() => Buffer.alloc(0))
        assert.ok(shrinking.length <= 200_000)
      }
      await assert.rejects(target.fs.readFile('/grows', { maxBytes: 100 }), { code: 'ERR_NSFD_TOO_LARGE' })
    } finally {
      writer.kill('SIGKILL')
      shrinker.kill('SIGKILL')
    }
  })

  test('a path that is exchanged for a link all the while is the container’s file or an error, never the host’s', async () => {
    await inside('mkdir -p /race/dir; echo theirs > /race/dir/hostname; ln -s / /race/out; mkdir /race/etc')
    const swap = 'cd /race; while :; do mv dir aside; mv out dir; mv dir out; mv aside dir; done'
    const swapper = target.spawn('sh', ['-c', swap], { stdio: 'ignore' })
    const hostname = readFileSync('/etc/hostname', 'utf8')
    try {
      for (let round = 0; round < 2000; round++) {
        const text = await target.fs.readFile('/race/dir/../dir/hostname', 'utf8').catch((error) => {
          assert.match(error.code, /ENOENT|EAGAIN/)
          return ''
        })
        assert.ok(text === 'theirs\n' || text === '', text)
        assert.notEqual(text, hostname)
      }
    } finally {
      swapper.kill('SIGKILL')
    }
  })

  test('copyIn and copyOut of directories: contents, modes and links; setuid bits stay there', async () => {
    mkdirSync(here('tree/sub'), { recursive: true })
    writeFileSync(here('tree/run'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
    writeFileSync(here('tree/sub/data'), Buffer.alloc(3_000_000, 'x'))
    symlinkSync('sub/data', here('tree/link'))
    const up = await target.fs.copyIn(here('tree'), '/copied')
    assert.deepEqual(up, { files: 2, bytes: 3_000_019, skipped: [] })
    assert.equal(
      (await inside('/copied/run; stat -c "%u %a" /copied/run; wc -c < /copied/link')).stdout,
      'ran\n0 755\n3000000\n',
    )
    await inside('chmod 4755 /copied/run')
    const down = await target.fs.copyOut('/copied', here('back'))
    assert.deepEqual(down, up)
    assert.equal(statSync(here('back/run')).mode & 0o7777, 0o755)
    assert.equal(readlinkSync(here('back/link')), 'sub/data')
    assert.deepEqual(readFileSync(here('back/sub/data')), readFileSync(here('tree/sub/data')))
    await target.fs.copyIn(here('tree/run'), '/copied/sub')
    assert.equal((await inside('/copied/sub/run')).stdout, 'ran\n')
    await target.fs.copyOut('/copied/run', folder)
    assert.equal(readFileSync(here('run'), 'utf8'), '#!/bin/sh\necho ran\n')
  })

  test('a hostile tree copied out: links that lead out, FIFOs and devices are left out and named', async () => {
    await inside(
      `mkdir -p /evil/d; cd /evil; ln -s /etc out; ln -s ../../x d/up; ln -s ../ok d/fine; echo 1 > ok; mkfifo pipe; mknod null c 1 3; ln -s / d/root`,
    )
    const { skipped, files } = await target.fs.copyOut('/evil', here('evil'))
    assert.deepEqual(skipped.map(({ path }) => path).sort(), ['d/root', 'd/up', 'null', 'out', 'pipe'])
    assert.equal(files, 1)
    assert.deepEqual(readdirSync(here('evil'), { recursive: true }).map(String).sort(), ['d', 'd/fine', 'ok'])
  })

  test('copying out writes through no link that is there already', async () => {
    mkdirSync(here('trap'))
    symlinkSync(here('victim'), here('trap/ok'))
    writeFileSync(here('victim'), 'mine')
    await assert.rejects(target.fs.copyOut('/evil/ok', here('trap/ok')), { code: 'ELOOP' })
    assert.equal(readFileSync(here('victim'), 'utf8'), 'mine')
  })

  test('a namespace that is only pinned has no files', async () => {
    using net = await openTarget('/proc/self/ns/net')
    await assert.rejects(net.fs.readFile('/etc/hosts'), { code: 'ERR_NSFD_NO_ROOT' })
  })
})
