// A redis-server whose key `side` says which side it is on, also after a restart.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { serverProgram } from '../../support/servers.js'
import type { Server, Side } from './sides.js'

export async function startRedis(side: Side, port: number, ...more: string[]): Promise<Server> {
  const file = join(side.dir, 'redis.conf')
  writeFileSync(
    file,
    `bind ${['127.0.0.1', ...more].join(' ')}\nport ${port}\ndir ${side.dir}\nsave ""\nappendonly yes\nappendfsync no\n`,
  )
  const server = await side.start(serverProgram('redis'), [file])
  const socket = side.ns.run(() => connect(port, '127.0.0.1'))
  socket.end(`SET side ${side.name}\r\n`)
  socket.resume()
  await once(socket, 'close')
  return server
}
