// The program of system calls: its machine code is what its listing says, and it stops where it should.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { compileProgram, failureOf, LISTINGS, type Step } from '#dist/kernel/program.js'
import { close, sealedFile } from '#dist/kernel/syscalls.js'

const folder = mkdtempSync(join(tmpdir(), 'nsfd-program-'))
after(() => rmSync(folder, { recursive: true }))

const ASSEMBLERS = {
  x64: {
    tools: [
      ['as', '--64'],
      ['x86_64-linux-gnu-as', '--64'],
    ],
    syntax: '.intel_syntax noprefix\n',
  },
  arm64: { tools: [['aarch64-linux-gnu-as']], syntax: '' },
} as const

describe('the machine code of both machines', () => {
  for (const machine of ['x64', 'arm64'] as const) {
    const { tools, syntax } = ASSEMBLERS[machine]
    const tool = tools.find(([name]) => name !== undefined && assembles(name, machine))
    const skip = tool === undefined ? { skip: `no assembler for ${machine} is installed (binutils)` } : {}
    test(`${machine}: assembling the right column gives the left one`, skip, () => {
      const lines = LISTINGS[machine].split('\n').filter((line) => line.includes('|'))
      const source = join(folder, `${machine}.s`)
      writeFileSync(source, `${syntax + lines.map((line) => line.split('|')[1]).join('\n')}\n`)
      const [name = '', ...options] = tool ?? []
      const objects = spawnSync(name, [...options, '-o', join(folder, `${machine}.o`), source], { encoding: 'utf8' })
      assert.equal(objects.stderr, '')
      const expected = lines.map((line) => line.split('|')[0]?.replaceAll(' ', '')).join('')
      assert.equal(textSection(readFileSync(join(folder, `${machine}.o`))), expected)
    })
  }
})

describe('a compiled program', () => {
  test('makes its calls in order, and becomes the command with exactly that environment and those arguments', () => {
    const { stdout, status, failure } = run([
      { call: 'umask', args: [0o027] },
      { call: 'execve', args: ['/bin/sh', ['sh', '-c', 'umask; env; echo $1', 'x', 'ä b'], ['ONLY=this']] },
    ])
    assert.deepEqual(failure, undefined)
    assert.equal(stdout.replace(/^(_|SHLVL|OLDPWD|PWD)=.*\n/gm, ''), '0027\nONLY=this\nä b\n')
    assert.equal(status, 0)
  })

  test('stops at the first call that fails, and tells which one and why', () => {
    const steps: Step[] = [
      { call: 'umask', args: [0o022] },
      { call: 'openat', args: [-100, '/nowhere/at/all', 0, 0], purpose: 'open it' },
      { call: 'execve', args: ['/bin/echo', ['echo', 'no'], []] },
    ]
    const { stdout, status, failure } = run(steps)
    assert.equal(stdout, '')
    assert.equal(status, 127)
    assert.deepEqual(failure, { step: steps[1], errno: 2 })
  })

  test('goes on after an error that is tolerated, and after no other', () => {
    const go: Step = { call: 'execve', args: ['/bin/echo', ['echo', 'yes'], []] }
    const missing = (tolerates: Step['tolerates']): Step => ({
      call: 'execve',
      args: ['/nowhere', ['x'], []],
      ...(tolerates && { tolerates }),
    })
    assert.equal(run([missing(['ENOENT']), go]).stdout, 'yes\n')
    assert.equal(run([missing('all'), go]).stdout, 'yes\n')
    assert.equal(run([missing(['EACCES', 'ENOTDIR']), go]).failure?.errno, 2)
    assert.equal(run([missing([]), go]).failure?.errno, 2)
  })

  test('says "not found" when it runs off its end', () => {
    const { status, failure } = run([{ call: 'umask', args: [0] }])
    assert.equal(status, 127)
    assert.deepEqual(failure, { step: undefined, errno: 2 })
  })

  test('cannot be changed by anybody once it is sealed', () => {
    const fd = sealedFile(compileProgram([], 2), 50)
    try {
      assert.ok(fd >= 50)
      assert.throws(() => writeFileSync(`/proc/self/fd/${fd}`, 'x'), { code: 'EPERM' })
    } finally {
      close(fd)
    }
  })
})

/** Runs a program with descriptor 3 for its report. */
function run(steps: Step[]) {
  const file = join(folder, 'program')
  writeFileSync(file, compileProgram(steps, 3))
  chmodSync(file, 0o700)
  const { stdout, status, output } = spawnSync(file, {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env: { OURS: '1' },
  })
  return { stdout: String(stdout), status, failure: failureOf(output[3] as unknown as Buffer, steps) }
}

function assembles(name: string, machine: string): boolean {
  const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' })
  return status === 0 && (machine !== 'x64' || /x86.64/.test(stdout))
}

/** The bytes of .text of an ELF object file, in hexadecimal. */
function textSection(object: Buffer): string {
  const [offset, size, count, names] = [
    object.readBigUInt64LE(40),
    object.readUInt16LE(58),
    object.readUInt16LE(60),
    object.readUInt16LE(62),
  ]
  const header = (index: number) => object.subarray(Number(offset) + index * size)
  const at = (index: number) => Number(header(index).readBigUInt64LE(24))
  for (let index = 0; index < count; index++) {
    const name = object.subarray(at(names) + header(index).readUInt32LE(0))
    if (name.subarray(0, name.indexOf(0)).toString() !== '.text') continue
    return object.subarray(at(index), at(index) + Number(header(index).readBigUInt64LE(32))).toString('hex')
  }
  throw new Error('no .text')
}
