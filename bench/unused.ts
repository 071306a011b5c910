// What nsfd costs code that never calls run: a server in a process that has imported nsfd, against one that has not.
import type { Bench } from './main.js'
import { compareRequests, startServer } from './requests.js'
import { insideByIp, needs, node } from './stage.js'

export const unused: Bench = {
  title: 'requests per second of a server that never uses run: nsfd imported, and not',
  async run(stage, report) {
    needs('wrk', 'the load generator for servers')
    const name = stage.namespace('unused')
    const server = (connection: string, mode: string) =>
      startServer(stage, name, connection, insideByIp(name, node('server', mode)))
    for (const [way, connection] of [
      ['keep-alive', 'keep-alive'],
      ['connection per request', 'close'],
    ] as const) {
      const begin = async () => ({
        imported: await server(connection, 'imported'),
        plain: await server(connection, 'plain'),
      })
      report.rows.push(await compareRequests(`server, ${way}`, begin, { atLeast: 0.98 }))
    }
  },
}
