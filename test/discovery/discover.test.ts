// discover: what is pinned, mounted or lived in is found, whatever vanishes meanwhile.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Namespace } from 'nsfd'
import { type DiscoveredNamespace, type Discovery, discover } from '#dist/discovery/discover.js'
import { findMounts } from '#dist/discovery/mounts.js'
import { Findings } from '#dist/discovery/namespaces.js'
import { spawn as spawnInside } from '#dist/process/spawn.js'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'

describe('discover', () => {
  test('finds this process in one namespace of each kind, with its command', async () => {
    const { namespaces } = await discover()
    for (const kind of ['net', 'uts', 'ipc', 'mnt', 'pid', 'user', 'cgroup', 'time'] as const) {
      using own = Namespace.current(kind)
      const found = at(namespaces, own)
      const self = found?.processes.find(({ pid }) => pid === process.pid)
      assert.match(self?.command ?? '', /node/)
    }
  })

  test('one entry a namespace that is both pinned and lived in, with its owner', needs('admin'), async () => {
    const name = uniqueName('found')
    using net = Namespace.create('net')
    using _pin = net.pin(name)
    const child = spawnInside(net, 'sleep', ['60'])
    try {
      const { namespaces } = await discover({ kinds: ['net'] })
      const found = namespaces.filter(({ id }) => id.ino === net.id.ino)
      assert.equal(found.length, 1)
      assert.deepEqual(found[0]?.pins, [{ path: `/run/netns/${name}`, name }])
      assert.deepEqual(found[0]?.processes, [{ pid: child.pid, command: 'sleep 60' }])
      using owner = net.owner()
      assert.deepEqual(found[0]?.owner, owner.id)
      assert.ok(namespaces.every(({ kind }) => kind === 'net'))
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })

  test('a stale pin is stale, and no namespace', needs('admin'), async () => {
    using net = Namespace.create('net')
    net.pin(uniqueName('dir')).unpin() // so that the directory is there
    const path = `/run/netns/${uniqueName('stale')}`
    writeFileSync(path, '')
    try {
      const { namespaces, stale } = await discover({ processes: false })
      assert.ok(stale.some((pin) => pin.path === path && pin.state === 'stale'))
      assert.ok(!namespaces.some(({ pins }) => pins.some((pin) => pin.path === path)))
    } finally {
      unlinkSync(path)
    }
  })

  test(
    'a bind mount anywhere, at a path with spaces, is found; one that is covered is not',
    needs('admin'),
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'nsfd-mounts-'))
      const path = join(folder, 'a b\\c')
      writeFileSync(path, '')
      using net = Namespace.create('net')
      run('mount', '--bind', `/proc/${process.pid}/fd/${net.fd}`, path)
      try {
        assert.deepEqual(at((await discover()).namespaces, net)?.pins, [{ path }])
        run('mount', '-t', 'tmpfs', 'nsfd-test', folder)
        assert.equal(at((await discover()).namespaces, net), undefined)
        run('umount', folder)
      } finally {
        run('umount', path)
        rmSync(folder, { recursive: true })
      }
    },
  )

  test('lines of mountinfo: kinds not asked for, other file systems and nonsense are passed over', () => {
    const findings = new Findings(['net'])
    const lines = [
      '40 30 0:4 uts:[4026531838] /proc/self/ns/uts rw shared:1 - nsfs nsfs rw',
      '41 30 8:1 / / rw - ext4 /dev/sda1 rw',
      '42 30 0:4 net:[1] /nowhere/at/all rw - nsfs nsfs rw',
      'nonsense',
      '',
    ]
    findMounts(findings, lines.join('\n'))
    assert.deepEqual(findings.all(), [])
  })

  test('processes that come and go by the hundred while it looks, zombies too, do not make it fail', async () => {
    const storm = spawn('sh', ['-c', 'while :; do true & true & true & wait; done'], { stdio: 'ignore' })
    const zombie = spawn('sh', ['-c', 'sleep 0.01 & exec sleep 60'], { stdio: 'ignore' })
    try {
      for (let i = 0; i < 20; i++) assert.ok((await discover()).namespaces.length > 0)
    } finally {
      for (const child of [storm, zombie]) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    }
  })

  test('an ordinary user gets what may be seen, and the number of what may not', needs('root'), async () => {
    const script = `import { discover } from ${JSON.stringify(import.meta.resolve('#dist/discovery/discover.js'))}
      process.setgroups([]); process.setgid(65534); process.setuid(65534)
      console.log((await discover()).hidden)`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    assert.ok(Number(stdout) > 0, stderr)
  })

  test('an unknown kind and an aborted signal are refused', async () => {
    await assert.rejects(discover({ kinds: ['network' as never] }), { code: 'ERR_INVALID_ARG_VALUE' })
    await assert.rejects(discover({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  })

  test('a pin in a directory of the wrong kind is shown as what it is not: nothing', needs('admin'), async () => {
    // An empty directory under /run/netns is no pin either.
    using net = Namespace.create('net')
    net.pin(uniqueName('dir')).unpin()
    const path = `/run/netns/${uniqueName('directory')}`
    mkdirSync(path)
    try {
      const { namespaces, stale }: Discovery = await discover({ processes: false })
      assert.ok(![...stale, ...namespaces.flatMap(({ pins }) => pins)].some((pin) => pin.path === path))
    } finally {
      rmdirSync(path)
    }
  })
})

function at(namespaces: DiscoveredNamespace[], { kind, id }: Namespace): DiscoveredNamespace | undefined {
  return namespaces.find((each) => each.kind === kind && each.id.ino === id.ino && each.id.dev === id.dev)
}

function run(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`)
}
