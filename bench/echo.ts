// Echo over TCP and UDP in a namespace: server and clients of one process, inside run and in plain Node.
import type { Bench } from './main.js'
import { compareRequests, startClient } from './requests.js'
import { insideByIp, node } from './stage.js'

const EXCHANGES = {
  'TCP, kept connections': 'tcp keep',
  'TCP, a connection each': 'tcp new',
  'UDP, kept sockets': 'udp keep',
  'UDP, a socket each': 'udp new',
}

export const echo: Bench = {
  title: 'exchanges of 64 bytes per second inside run against plain Node in the same namespace',
  async run(stage, report) {
    const name = stage.namespace('echo')
    for (const [what, how] of Object.entries(EXCHANGES)) {
      const program = (mode: string) => node('echo', mode, name, how)
      const begin = async () => ({
        'inside run': startClient(stage, program('run')),
        plain: startClient(stage, insideByIp(name, program('plain'))),
        'storage alone': startClient(stage, insideByIp(name, program('storage'))),
      })
      report.rows.push(await compareRequests(what, begin, { atLeast: 0.97 }))
    }
  },
}
