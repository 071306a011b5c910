// Calls run three times, and says how each ended and which sockets the process has afterwards.
import { readdirSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import { Namespace } from '#dist/index.js'

const sockets = () => {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // the descriptor of reading this directory
    }
  })
  return links.filter((link) => link.startsWith('socket:')).length
}
const before = sockets()
const namespace = Namespace.create('net')
let called = false
const attempt = (run: 'run' | 'runSync') => {
  try {
    namespace[run](() => {
      called = true
      net.createServer().listen(0)
    })
    return 'it ran'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}
const outcome = { first: attempt('run'), second: attempt('run'), third: attempt('runSync') }
console.log(JSON.stringify({ ...outcome, sockets: sockets() - before, called }))
process.exit() // what ran is still listening
