// A terminal of our own making: the command has one side, we have the other. pty(7), ioctl_tty(2).
import { constants } from 'node:fs'
import type { Duplex } from 'node:stream'
import { ReadStream } from 'node:tty'
import { close, ioctl, open } from '../kernel/syscalls.js'

/** <asm-generic/ioctls.h> */
const TIOCSWINSZ = 0x5414
const TIOCGPTN = 0x80045430
const TIOCSPTLCK = 0x40045431

export type PseudoTerminal = {
  /** What we write is typed, what we read is shown. */
  master: Duplex
  /** The command's side: a descriptor, the caller's to close. */
  peer: number
  resize(columns: number, rows: number): void
}

/** <asm-generic/termbits.h>, as cfmakeraw(3) uses them: every byte as it comes, both ways. */
const TCGETS = 0x5401
const TCSETS = 0x5402
const RAW = { input: ~0o2753, output: ~0o1, control: ~0o460, local: ~0o100113 }
const CS8 = 0o60
const TERMIOS_SIZE = 64
const [VTIME, VMIN] = [17 + 5, 17 + 6]

/**
 * Makes a terminal raw. Node's own raw mode would go on adding carriage returns to what is shown.
 * @returns a function that makes it what it was
 */
export function makeRaw(fd: number): () => void {
  const asked = 'cannot set the mode of the terminal'
  const before = Buffer.alloc(TERMIOS_SIZE)
  ioctl(fd, TCGETS, before, { asked })
  const raw = Buffer.from(before)
  for (const [index, mask] of [RAW.input, RAW.output, RAW.control, RAW.local].entries()) {
    raw.writeUInt32LE((before.readUInt32LE(4 * index) & mask) >>> 0, 4 * index)
  }
  raw.writeUInt32LE((raw.readUInt32LE(8) | CS8) >>> 0, 8)
  raw[VMIN] = 1
  raw[VTIME] = 0
  ioctl(fd, TCSETS, raw, { asked })
  return () => void ioctl(fd, TCSETS, before, { asked })
}

export function openPseudoTerminal(): PseudoTerminal {
  const asked = 'cannot make a terminal'
  const fd = open('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY, { asked })
  try {
    const number = Buffer.alloc(4)
    ioctl(fd, TIOCSPTLCK, Buffer.alloc(4), { asked })
    ioctl(fd, TIOCGPTN, number, { asked })
    const peer = open(`/dev/pts/${number.readUInt32LE(0)}`, constants.O_RDWR | constants.O_NOCTTY, { asked })
    const resize = (columns: number, rows: number) => {
      const size = Buffer.alloc(8)
      size.writeUInt16LE(rows, 0)
      size.writeUInt16LE(columns, 2)
      ioctl(fd, TIOCSWINSZ, size, { asked: 'cannot set the size of the terminal' })
    }
    // A duplex, whatever its name: libuv reads and writes it without blocking.
    return { master: new ReadStream(fd) as unknown as Duplex, peer, resize }
  } catch (error) {
    close(fd)
    throw error
  }
}
