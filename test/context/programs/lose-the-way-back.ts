// Closes every descriptor of home behind nsfd's back while the thread is away, so that it cannot come home.
import { closeSync, readdirSync, readlinkSync, writeSync } from 'node:fs'
import { Namespace } from '#dist/index.js'

const home = readlinkSync('/proc/self/ns/net')
const namespace = Namespace.create('net')
namespace.runSync(() => {
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) === home) closeSync(Number(fd))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
})
writeSync(1, 'went on\n')
