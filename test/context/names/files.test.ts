import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { NameSpace } from '#dist/context/names/config.js'
import { ABSENT, readEtc } from '#dist/context/names/files.js'
import { lookup, type NameSource } from '#dist/context/names/index.js'
import { Namespace } from '#dist/index.js'
import { needs } from '../../support/needs.js'
import { failure, freshId, sourceOf, TestRoot } from './support.js'

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
const descriptors = () => readdirSync('/proc/self/fd').length

describe("a container's files", () => {
  it('are read, and none of home where it has none', () => {
    using root = new TestRoot({ 'etc/hosts': '10.0.0.1 inside\n' })
    assert.equal(readEtc(sourceOf(root), 'hosts', undefined).text, '10.0.0.1 inside\n')
    assert.equal(readEtc(sourceOf(root), 'resolv.conf', undefined), ABSENT)
  })

  it('are found through links as the container sees them', () => {
    using root = new TestRoot({ 'run/real.conf': 'search real.example\n' })
    symlinkSync('/run/link.conf', `${root.path}/etc/resolv.conf`)
    symlinkSync('../../../run/real.conf', `${root.path}/run/link.conf`)
    assert.equal(readEtc(sourceOf(root), 'resolv.conf', undefined).text, 'search real.example\n')
  })

  it('never lead out of it: by links to our files, by .. or by /proc', () => {
    for (const target of ['/etc/passwd', '../../../../../../../../etc/passwd', '/proc/self/root/etc/passwd']) {
      using root = new TestRoot()
      symlinkSync(target, `${root.path}/etc/hosts`)
      assert.equal(readEtc(sourceOf(root), 'hosts', undefined), ABSENT, target)
    }
  })

  it('never lead out of it through the magic links of /proc', needs('admin'), () => {
    using root = new TestRoot({ 'proc/.keep': '' })
    symlinkSync('/proc/self/root/etc/passwd', `${root.path}/etc/hosts`)
    // Not `-t proc`: root of a user namespace may not mount a new one. A slave, so that the umount stays here.
    mount('--rbind', '--make-rslave', '/proc', `${root.path}/proc`)
    try {
      assert.throws(() => readEtc(sourceOf(root), 'hosts', undefined), { code: 'ELOOP', syscall: 'openat2' })
    } finally {
      assert.equal(spawnSync('umount', ['--lazy', `${root.path}/proc`]).status, 0)
    }
  })

  it('that are no files, or too large, are refused clearly, at once, and not replaced by those of home', async () => {
    const spoil: [string, (path: string) => unknown, string][] = [
      ['FIFO', (path) => spawnSync('mkfifo', [path]), 'ERR_NSFD_NAMES'],
      ['directory', (path) => mkdirSync(path), 'ERR_NSFD_NAMES'],
      ['loop of links', (path) => symlinkSync('hosts', path), 'ELOOP'],
      ['10 GB', (path) => spawnSync('truncate', ['-s', '10G', path]), 'ERR_NSFD_NAMES'],
    ]
    const before = descriptors()
    for (const [what, make, code] of spoil) {
      using root = new TestRoot()
      make(`${root.path}/etc/hosts`)
      const started = performance.now()
      const error = await failure(lookup(sourceOf(root), 'vm.example'))
      assert.equal(error.code, code, what)
      assert.match(String(error.message), /hosts/, what)
      assert.ok(performance.now() - started < 1000, what)
    }
    assert.equal(descriptors(), before)
  })

  it('that are devices are refused', needs('root'), async () => {
    using root = new TestRoot()
    assert.equal(spawnSync('mknod', [`${root.path}/etc/hosts`, 'c', '1', '5']).status, 0)
    const { code, message } = await failure(lookup(sourceOf(root), 'vm.example'))
    assert.equal(code, 'ERR_NSFD_NAMES')
    assert.match(String(message), /hosts/)
  })

  it('that are sockets are refused', async () => {
    using root = new TestRoot()
    const server = createServer().listen(`${root.path}/etc/hosts`)
    try {
      await once(server, 'listening')
      assert.equal((await failure(lookup(sourceOf(root), 'vm.example'))).code, 'ENXIO')
    } finally {
      server.close()
    }
  })
})

describe("a process's root", () => {
  it('gives the files that process sees', needs('admin'), async () => {
    const script = 'mount -t tmpfs none /etc && echo 10.0.0.1 inside > /etc/hosts && echo ready && exec sleep 60'
    const child = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    using ns = Namespace.ofProcess(child.pid as number, 'net')
    try {
      const source = { id: freshId(), rootFd: ns.rootFd }
      assert.deepEqual(await lookup(source, 'inside'), [{ address: '10.0.0.1', family: 4 }])
      assert.equal(readEtc(source, 'resolv.conf', undefined), ABSENT)
    } finally {
      child.kill()
    }
  })
})

describe('a changed file', () => {
  const only = (root: TestRoot): NameSource => ({ id: freshId(), rootFd: root.fd })
  const addressOf = (space: NameSpace, name: string) => space.hosts.byName.get(name)?.[0]?.address

  it('is read again after a second: written anew, replaced, removed, there at last', async () => {
    using root = new TestRoot()
    const path = `${root.path}/etc/hosts`
    root.write('etc/new', '10.0.0.3 a\n')
    const space = new NameSpace(only(root))
    const steps: [() => void, string | undefined][] = [
      [() => {}, undefined],
      [() => root.write('etc/hosts', '10.0.0.1 a\n'), '10.0.0.1'],
      [() => root.write('etc/hosts', '10.0.0.2 a\n'), '10.0.0.2'],
      [() => renameSync(`${root.path}/etc/new`, path), '10.0.0.3'],
      [() => rmSync(path), undefined],
    ]
    for (const [change, expected] of steps) {
      change()
      await pause(1_020)
      assert.equal(addressOf(space, 'a'), expected)
    }
  })

  it('is not looked at more often than once a second, nor parsed when nothing changed', async () => {
    using root = new TestRoot({ 'etc/hosts': '10.0.0.1 a\n' })
    const space = new NameSpace(only(root))
    const { hosts } = space
    root.write('etc/hosts', '10.0.0.99 a\n')
    assert.equal(space.hosts, hosts)
    await pause(1_020)
    const changed = space.hosts
    assert.notEqual(changed, hosts)
    await pause(1_020)
    assert.equal(space.hosts, changed)
  })
})

describe('a named namespace', () => {
  it('has its own files of /etc/netns, each in place of that of home', needs('etcNetns'), () => {
    const name = `nsfd-names-${process.pid}`
    const hadDirectory = readdirSync('/etc').includes('netns')
    mkdirSync(`/etc/netns/${name}`, { recursive: true })
    try {
      writeFileSync(`/etc/netns/${name}/hosts`, '10.0.0.1 own\n')
      const source = { id: freshId(), name }
      assert.equal(readEtc(source, 'hosts', undefined).text, '10.0.0.1 own\n')
      const home = readEtc({ id: freshId() }, 'resolv.conf', undefined)
      assert.deepEqual(readEtc(source, 'resolv.conf', undefined), home)
    } finally {
      rmSync(hadDirectory ? `/etc/netns/${name}` : '/etc/netns', { recursive: true })
    }
  })

  it('cannot have a name that is a path', async () => {
    for (const name of ['../../tmp', '..', 'a/b', '', 'a\0b']) {
      const { code } = await failure(lookup({ id: freshId(), name }, 'vm.example'))
      assert.equal(code, 'ERR_INVALID_ARG_VALUE', name)
    }
  })
})

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}
