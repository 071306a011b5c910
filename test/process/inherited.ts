// Which descriptors a child of this process has in any case: those that whoever started the tests let through.
import { readdirSync, readFileSync } from 'node:fs'
import { hasCode } from '#dist/kernel/errors.js'

const O_CLOEXEC = 0o2000000

/** 0, 1, 2 and every descriptor of this process that is not O_CLOEXEC, ascending. */
export function inheritedDescriptors(): number[] {
  const inherited = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd > 2 && !closesOnExec(fd))
  return [0, 1, 2, ...inherited.sort((a, b) => a - b)]
}

function closesOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
    return (Number.parseInt(flags ?? '0', 8) & O_CLOEXEC) !== 0
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true // the listing's own
    throw error
  }
}
