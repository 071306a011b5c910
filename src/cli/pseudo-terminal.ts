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
