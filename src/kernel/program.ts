// A program that makes system calls one after the other and does nothing else: a static ELF file, written here.
//
// Between fork and the container's own command something has to enter, give up privileges and exec. Any program of the
// host that did so could be turned against the host (CVE-2019-5736: it can be opened through /proc/<pid>/exe, or be run
// again inside, with the container's dynamic loader). This one is a sealed file in memory, has no loader and no libraries,
// and is different for every start: its data are the very calls of that start.
import { constants } from 'node:os'
import { NsfdError } from './errors.js'

/** System call numbers. <asm/unistd_64.h> of x86-64; <asm-generic/unistd.h>, which arm64 uses. */
const NUMBERS = {
  write: [1, 64],
  close: [3, 57],
  ioctl: [16, 29],
  execve: [59, 221],
  fcntl: [72, 25],
  fchdir: [81, 50],
  umask: [95, 166],
  setsid: [112, 157],
  setgroups: [116, 159],
  setresuid: [117, 147],
  setresgid: [119, 149],
  capset: [126, 91],
  prctl: [157, 167],
  chroot: [161, 51],
  exit_group: [231, 94],
  openat: [257, 56],
  faccessat: [269, 48],
  prlimit64: [302, 261],
  setns: [308, 268],
  close_range: [436, 436],
  openat2: [437, 437],
} as const

type Machine = { elf: number; column: 0 | 1; code: Uint8Array }

/** A pointer is made of a string (NUL is added), of bytes, or of a list of strings (a NULL ends it, as for argv). */
export type Argument = number | bigint | string | Uint8Array | readonly string[]

export type Step = {
  call: keyof typeof NUMBERS
  args: readonly Argument[]
  /** Errors after which the next step is made all the same; any other ends the program. */
  tolerates?: 'all' | readonly (keyof typeof constants.errno)[]
  /** What the step is for, as the end of "cannot …". */
  purpose?: string
}

/** Where a program stopped, and why. */
export type Failure = { step: Step | undefined; errno: number }

const CODE_ADDRESS = 0x400000
/** Data lie 64 KiB further, the largest page size in use, so that no page is both writable and executable. */
const DATA_OFFSET = 0x10000
const DATA_ADDRESS = CODE_ADDRESS + DATA_OFFSET
const STEP_SIZE = 64
const REPORT_SIZE = 16
/** Data begin with the report, padded to a step, and the two steps that hand it over. Then the steps proper follow. */
const FIRST_STEP = 3 * STEP_SIZE
const ELF_HEADER_SIZE = 64
const PROGRAM_HEADER_SIZE = 56
const CODE_OFFSET = ELF_HEADER_SIZE + 3 * PROGRAM_HEADER_SIZE

/** What the program exits with when a step failed; the report says more. */
export const EXIT_FAILED = 127

/**
 * The program as the bytes of an ELF file for this machine. When a step fails, it writes a report to reportFd for
 * failureOf() and exits with EXIT_FAILED. It also fails after the last step, which therefore should be execve.
 * @throws NsfdError ERR_NSFD_PLATFORM on machines other than x64 and arm64
 */
export function compileProgram(steps: readonly Step[], reportFd: number): Buffer {
  const machine = machineHere()
  const report: Step[] = [
    { call: 'write', args: [reportFd, DATA_ADDRESS, REPORT_SIZE], tolerates: 'all' },
    { call: 'exit_group', args: [EXIT_FAILED] },
  ]
  // A path of no name is never found: running off the end is reported as ENOENT.
  const end: Step = { call: 'faccessat', args: [-100, '', 0] }
  const all = [...report, ...steps, end]
  const table = Buffer.alloc(STEP_SIZE + all.length * STEP_SIZE)
  const heap = new Heap(DATA_ADDRESS + table.length)
  for (const [index, step] of all.entries()) encodeStep(table, STEP_SIZE * (index + 1), step, heap, machine)
  const data = Buffer.concat([table, heap.bytes()])
  const file = Buffer.alloc(DATA_OFFSET + data.length)
  writeHeaders(file, machine, data.length)
  file.set(machine.code, CODE_OFFSET)
  data.copy(file, DATA_OFFSET)
  return file
}

/** Which step a report is about; undefined where there is no report: every step was made. */
export function failureOf(report: Buffer, steps: readonly Step[]): Failure | undefined {
  if (report.length < REPORT_SIZE) return undefined
  const index = (Number(report.readBigUInt64LE(0)) - DATA_ADDRESS - FIRST_STEP) / STEP_SIZE
  return { step: steps[index], errno: Number(report.readBigUInt64LE(8)) }
}

function encodeStep(table: Buffer, offset: number, step: Step, heap: Heap, machine: Machine): void {
  const words = [BigInt(NUMBERS[step.call][machine.column]), ...step.args.map((each) => heap.word(each))]
  for (const [index, word] of words.entries()) table.writeBigUInt64LE(BigInt.asUintN(64, word), offset + index * 8)
  table.writeBigUInt64LE(toleranceMask(step.tolerates ?? []), offset + 56)
}

/** The errnos below 64 that do not stop the program, as bits. */
function toleranceMask(tolerates: Step['tolerates']): bigint {
  if (tolerates === 'all') return (1n << 64n) - 1n
  return (tolerates ?? []).reduce((mask, name) => mask | (1n << BigInt(constants.errno[name])), 0n)
}

/** What pointers point to, laid down behind the steps. */
class Heap {
  readonly #start: number
  readonly #pieces: Uint8Array[] = []
  #length = 0

  constructor(start: number) {
    this.#start = start
  }

  word(argument: Argument): bigint {
    if (typeof argument === 'number' || typeof argument === 'bigint') return BigInt(argument)
    if (typeof argument === 'string') return this.#put(Buffer.from(`${argument}\0`))
    if (argument instanceof Uint8Array) return this.#put(argument)
    const pointers = Buffer.alloc(8 * (argument.length + 1))
    for (const [index, each] of argument.entries()) pointers.writeBigUInt64LE(this.word(each), index * 8)
    return this.#put(pointers)
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  #put(bytes: Uint8Array): bigint {
    const address = this.#start + this.#length
    const padded = Buffer.alloc(Math.ceil(bytes.length / 8) * 8)
    padded.set(bytes)
    this.#pieces.push(padded)
    this.#length += padded.length
    return BigInt(address)
  }
}

/** elf(5): a header, code that may be run, data that may be written, a stack that may not be run. */
function writeHeaders(file: Buffer, { elf, code }: Machine, dataLength: number): void {
  const [EXECUTABLE, PT_LOAD, PT_GNU_STACK, READ, WRITE, RUN] = [2, 1, 0x6474e551, 4, 2, 1]
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // "\x7fELF", 64 bit, little-endian, version 1
  file.writeUInt16LE(EXECUTABLE, 16)
  file.writeUInt16LE(elf, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(BigInt(CODE_ADDRESS + CODE_OFFSET), 24)
  file.writeBigUInt64LE(BigInt(ELF_HEADER_SIZE), 32)
  for (const [index, value] of [ELF_HEADER_SIZE, PROGRAM_HEADER_SIZE, 3].entries()) {
    file.writeUInt16LE(value, 52 + 2 * index)
  }
  const segments = [
    [PT_LOAD, READ | RUN, 0, CODE_ADDRESS, CODE_OFFSET + code.length],
    [PT_LOAD, READ | WRITE, DATA_OFFSET, DATA_ADDRESS, dataLength],
    [PT_GNU_STACK, READ | WRITE, 0, 0, 0],
  ] as const
  for (const [index, [type, flags, offset, address, size]] of segments.entries()) {
    const at = ELF_HEADER_SIZE + index * PROGRAM_HEADER_SIZE
    file.writeUInt32LE(type, at)
    file.writeUInt32LE(flags, at + 4)
    const words = [offset, address, address, size, size, DATA_OFFSET]
    for (const [place, word] of words.entries()) file.writeBigUInt64LE(BigInt(word), at + 8 + place * 8)
  }
}

function machineHere(): Machine {
  const machine = MACHINES[process.arch as keyof typeof MACHINES]
  if (machine !== undefined) return machine
  throw new NsfdError(`nsfd can start processes inside containers on x64 and arm64, not on ${process.arch}`, {
    code: 'ERR_NSFD_PLATFORM',
  })
}

/** Instructions as hexadecimal bytes beside what they say; a test assembles the right column and compares. */
function assembled(listing: string): Uint8Array {
  const bytes = listing.split('\n').map((line) => line.split('|')[0]?.replaceAll(' ', '') ?? '')
  return Buffer.from(bytes.join(''), 'hex')
}

export const LISTINGS = {
  x64: `
    bb c0 00 41 00       |          mov  ebx, 0x4100c0
    48 8b 03             |  next:   mov  rax, [rbx]
    48 8b 7b 08          |          mov  rdi, [rbx+8]
    48 8b 73 10          |          mov  rsi, [rbx+16]
    48 8b 53 18          |          mov  rdx, [rbx+24]
    4c 8b 53 20          |          mov  r10, [rbx+32]
    4c 8b 43 28          |          mov  r8, [rbx+40]
    4c 8b 4b 30          |          mov  r9, [rbx+48]
    0f 05                |          syscall
    48 3d 01 f0 ff ff    |          cmp  rax, -4095
    73 06                |          jae  failed
    48 83 c3 40          |  go_on:  add  rbx, 64
    eb d5                |          jmp  next
    48 f7 d8             |  failed: neg  rax
    48 83 f8 3f          |          cmp  rax, 63
    77 0a                |          ja   report
    48 8b 4b 38          |          mov  rcx, [rbx+56]
    48 0f a3 c1          |          bt   rcx, rax
    72 e7                |          jc   go_on
    b9 00 00 41 00       |  report: mov  ecx, 0x410000
    48 89 19             |          mov  [rcx], rbx
    48 89 41 08          |          mov  [rcx+8], rax
    48 8d 59 40          |          lea  rbx, [rcx+64]
    eb b0                |          jmp  next`,
  arm64: `
    34 08 a0 d2          |          movz x20, #0x41, lsl #16
    93 02 03 91          |          add  x19, x20, #192
    68 02 40 a9          |  next:   ldp  x8, x0, [x19]
    61 0a 41 a9          |          ldp  x1, x2, [x19, #16]
    63 12 42 a9          |          ldp  x3, x4, [x19, #32]
    65 1a 43 a9          |          ldp  x5, x6, [x19, #48]
    01 00 00 d4          |          svc  #0
    1f fc 3f b1          |          cmn  x0, #4095
    62 00 00 54          |          b.cs failed
    73 02 01 91          |  go_on:  add  x19, x19, #64
    f8 ff ff 17          |          b    next
    e0 03 00 cb          |  failed: neg  x0, x0
    1f fc 00 f1          |          cmp  x0, #63
    68 00 00 54          |          b.hi report
    c7 24 c0 9a          |          lsr  x7, x6, x0
    47 ff 07 37          |          tbnz x7, #0, go_on
    93 02 00 a9          |  report: stp  x19, x0, [x20]
    93 02 01 91          |          add  x19, x20, #64
    f0 ff ff 17          |          b    next`,
} as const

const MACHINES: Record<keyof typeof LISTINGS, Machine> = {
  x64: { elf: 62, column: 0, code: assembled(LISTINGS.x64) },
  arm64: { elf: 183, column: 1, code: assembled(LISTINGS.arm64) },
}
