// Containers that want out. Each test is an attack that has worked on some container tool, tried on ours.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTarget, type Target } from 'nsfd'
import { compileProgram } from '#dist/kernel/program.js'
import { shellLine } from '../cli/nsfd.js'
import { dockerRun, needsEngine, output, type Running } from './engines.js'
import { inTerminal } from './terminal.js'

const folder = mkdtempSync(join(tmpdir(), 'nsfd-hostile-'))
after(() => rmSync(folder, { recursive: true }))

/** What a container would like to write: the programs that enter it. */
function hostPrograms(): string {
  const programs = [process.execPath, '/usr/bin/nsenter', '/bin/sh']
  return programs.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex')).join()
}

describe('what the entered process has of ours', needsEngine('docker'), () => {
  let web: Running
  let target: Target
  before(async () => {
    web = dockerRun()
    target = await openTarget(`docker:${web.name}`)
  })
  after(() => {
    target.close()
    web[Symbol.dispose]()
  })

  test('no descriptor but its stdin, stdout and stderr, seen from inside and from outside', async () => {
    const child = target.spawn('sh', ['-c', 'echo /proc/self/fd/*; read line'], { stdio: ['pipe', 'pipe', 'ignore'] })
    const [listed] = await new Promise<Buffer[]>((resolve) => child.stdout?.once('data', (...all) => resolve(all)))
    assert.deepEqual(readdirSync(`/proc/${child.pid}/fd`), ['0', '1', '2'])
    // The shell itself has the directory open while it lists it.
    assert.match(String(listed), /^(\/proc\/self\/fd\/[0-3] ?)+\n$/)
    child.stdin?.end('\n')
    await new Promise((resolve) => child.once('exit', resolve))
  })

  test('not even descriptors that were opened without O_CLOEXEC', async () => {
    const { plainInheritable } = await import('../support/kernel.js')
    const { openSync, closeSync } = await import('node:fs')
    const secret = openSync('/etc/shadow', 'r')
    plainInheritable(secret)
    try {
      const { stdout } = await target.exec('sh', ['-c', 'ls -l /proc/self/fd'])
      assert.doesNotMatch(stdout, /shadow/)
      assert.doesNotMatch(stdout, new RegExp(` ${secret} ->`))
    } finally {
      closeSync(secret)
    }
  })

  test('no variable of ours, in its environment or in what it could read of its past', async () => {
    process.env.NSFD_SECRET = 'do-not-tell'
    try {
      const { stdout } = await target.exec('sh', ['-c', 'env; cat /proc/self/environ /proc/self/cmdline'])
      assert.doesNotMatch(stdout, /do-not-tell/)
    } finally {
      delete process.env.NSFD_SECRET
    }
  })

  test('the disk of the host cannot be opened by a device node: its cgroup forbids it, as for docker exec', async () => {
    const [major, minor] =
      /^\s*(\d+)\s+(\d+)\s+\d+ [a-z]+a$/m.exec(readFileSync('/proc/partitions', 'utf8'))?.slice(1) ?? []
    assert.ok(major, 'this machine has a disk')
    const attack = `mknod /disk-$$ b ${major} ${minor}; head -c 1 /disk-$$ | wc -c`
    const { stdout, stderr } = await target.exec('sh', ['-c', attack])
    assert.equal(stdout.trim(), '0')
    assert.match(stderr, /not permitted/)
  })

  test('no_new_privs of a container holds for what enters it', async () => {
    using strict = dockerRun(['--security-opt', 'no-new-privileges'])
    using there = await openTarget(`docker:${strict.name}`)
    assert.match((await there.exec('cat', ['/proc/self/status'])).stdout, /NoNewPrivs:\t1/)
  })

  test('files given to nsfd enter as stdin and stdout arrive as pipes, which lead back to no file', () => {
    const [input, outputFile] = [join(folder, 'in'), join(folder, 'out')]
    writeFileSync(input, 'precious')
    const attack = 'cat; echo; readlink /proc/$$/fd/0; readlink /proc/$$/fd/1; echo x > /proc/self/fd/0'
    const line = `${shellLine('enter', `docker:${web.name}`, '--', 'sh', '-c', attack)} < ${input} > ${outputFile}`
    output('sh', '-c', `${line} 2>/dev/null || true`)
    assert.match(readFileSync(outputFile, 'utf8'), /^precious\n(socket|pipe):\[\d+\]\n(socket|pipe):\[\d+\]\n/)
    assert.equal(readFileSync(input, 'utf8'), 'precious')
  })
})

describe('our programs', needsEngine('docker'), () => {
  for (const [what, trap] of [
    ['a link to /proc/self/exe', 'ln -sf /proc/self/exe /bin/trap'],
    ['a script whose interpreter is /proc/self/exe', 'printf "#!/proc/self/exe\\n" > /bin/trap; chmod +x /bin/trap'],
  ] as const) {
    test(`a command that is ${what} runs nothing of ours, and can write nothing of ours (CVE-2019-5736)`, async () => {
      const hashes = hostPrograms()
      using web = dockerRun([], ['sh', '-c', `${trap}; exec sleep 1000000`])
      using target = await openTarget(`docker:${web.name}`)
      while (!(await exists(target, '/bin/trap'))) await sleep(10)
      const { code, signal } = await target.exec('/bin/trap', ['-c', 'id'], { reject: false })
      assert.deepEqual([code, signal], [127, null])
      assert.equal(hostPrograms(), hashes)
    })
  }

  test('a dynamic loader of the container’s is not run by what enters it', async () => {
    using web = dockerRun()
    using target = await openTarget(`docker:${web.name}`)
    const loader = join(folder, 'loader')
    const O_CREAT_WRONLY = 0o101
    const create = { call: 'openat', args: [-100, '/loader-ran', O_CREAT_WRONLY, 0o644] } as const
    writeFileSync(loader, compileProgram([create, { call: 'exit_group', args: [0] }], 2), { mode: 0o755 })
    for (const path of ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1']) {
      await target.exec('mkdir', ['-p', path.slice(0, path.lastIndexOf('/'))])
      await target.fs.copyIn(loader, path)
    }
    assert.equal((await target.exec('echo', ['fine'])).stdout, 'fine\n')
    assert.equal(await exists(target, '/loader-ran'), false)
    // The trap works: a program of the host that needs a loader would have sprung it.
    await target.fs.copyIn('/usr/bin/nsenter', '/nsenter')
    await target.exec('/nsenter', [], { reject: false })
    assert.equal(await exists(target, '/loader-ran'), true)
  })

  test('an init that waits for us to open our program through /proc gets no host program (CVE-2019-5736)', async () => {
    const hashes = hostPrograms()
    // Notes every process that is not busybox, and what it can do with its program.
    const watch = `while :; do for p in /proc/[0-9]*; do
      link=$(readlink $p/exe 2>/dev/null) || { [ -d $p ] && echo "hidden" >> /log; continue; }
      case $link in /bin/busybox) ;; *) echo "link $link" >> /log; (exec 9< $p/exe) 2>/dev/null && echo "read $link" >> /log
        (exec 9>> $p/exe) 2>/dev/null && echo "write $link" >> /log;; esac
    done; done`
    using web = dockerRun([], ['sh', '-c', watch])
    using target = await openTarget(`docker:${web.name}`)
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 10 }, () => target.exec('true')))
    }
    const log = (await target.fs.readFile('/log', 'utf8')).split('\n')
    assert.ok(log.includes('hidden'), 'the watcher was quick enough to see processes on their way in')
    const opened = log.filter((line) => /^(read|write) /.test(line) && !/memfd:|busybox/.test(line))
    assert.deepEqual([...new Set(opened)], [])
    assert.deepEqual(
      log.filter((line) => line.startsWith('write ') && !line.includes('busybox')),
      [],
    )
    assert.equal(hostPrograms(), hashes)
  })

  test('a working directory of /proc/self/fd/N or another link of /proc leads nowhere (CVE-2024-21626)', async () => {
    using web = dockerRun()
    using target = await openTarget(`docker:${web.name}`)
    const { openSync, closeSync } = await import('node:fs')
    const directory = openSync('/', 'r')
    try {
      for (let fd = 0; fd < 40; fd++) {
        await assert.rejects(target.exec('true', [], { cwd: `/proc/self/fd/${fd}` }), /ELOOP|ENOENT|ENOTDIR/)
      }
      for (const cwd of ['/proc/1/root', '/proc/self/cwd', '/proc/self/root', '/proc/thread-self/fd/3']) {
        await assert.rejects(target.exec('true', [], { cwd }), { code: 'ELOOP' })
      }
      await target.exec('ln', ['-s', '/proc/self/fd/8', '/tmp/innocent'])
      await assert.rejects(target.exec('true', [], { cwd: '/tmp/innocent' }), /ELOOP|ENOENT/)
      const { stdout } = await target.exec('sh', ['-c', 'cat /proc/self/cwd/../../../../etc/hostname'])
      assert.equal(stdout.trim(), web.id.slice(0, 12))
    } finally {
      closeSync(directory)
    }
  })
})

describe('our terminal', needsEngine('docker'), () => {
  const TIOCSTI = 0x5412
  const probe = join(folder, 'type')
  /** Types "owned" into every terminal it can reach: those it was given, and the one that controls it. */
  const type = [...'owned\n'].flatMap((letter) =>
    [0, 1, 2, 9].map((fd) => ({ call: 'ioctl', args: [fd, TIOCSTI, letter], tolerates: 'all' }) as const),
  )
  before(() => {
    const openControlling = { call: 'openat', args: [-100, '/dev/tty', 2, 0], tolerates: 'all' } as const
    const asNine = { call: 'fcntl', args: [3, 0, 9], tolerates: 'all' } as const
    const steps = [openControlling, asNine, ...type, { call: 'exit_group', args: [0] } as const]
    writeFileSync(probe, compileProgram(steps, 2), { mode: 0o755 })
  })

  test('cannot be typed into from inside (TIOCSTI)', async (t) => {
    using web = dockerRun()
    using target = await openTarget(`docker:${web.name}`)
    await target.fs.copyIn(probe, '/type')
    const enter = shellLine('enter', `docker:${web.name}`, '--', '/type')
    const after = 'echo before; X; read -t 1 line; echo "typed:[$line]"'
    const entered = await inTerminal(['bash', '-c', after.replace('X', enter)])
    assert.match(entered, /before/)
    assert.match(entered, /typed:\[\]/)
    const piped = await inTerminal(['bash', '-c', after.replace('X', `${enter} | cat`)])
    assert.match(piped, /typed:\[\]/)
    if (readFileSync('/proc/sys/dev/tty/legacy_tiocsti', 'utf8').trim() !== '1') {
      return t.diagnostic('this kernel refuses TIOCSTI to everybody, so the trap itself was not tried')
    }
    // The trap works: who is handed the terminal itself can type into it.
    const handed = `nsenter --target ${target.pid} --mount --pid -- /type`
    assert.match(await inTerminal(['bash', '-c', after.replace('X', handed)]), /typed:\[o+w+n+e+d+\]/)
  })
})

async function exists(target: Target, path: string): Promise<boolean> {
  try {
    await target.fs.lstat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
