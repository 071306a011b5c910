// HTTP in a namespace: inside run, against plain Node that `ip netns exec` placed there. Both in the same namespace.

import { Contender } from './contender.js'
import type { Bench } from './main.js'
import { type Contestant, compareRequests, startClient, startServer } from './requests.js'
import { insideByIp, needs, node, onCpu, type Stage } from './stage.js'

/** How requests follow each other. */
const WAYS = { 'keep-alive': 'keep-alive', 'connection per request': 'close' } as const
const AIM = { atLeast: 0.97 }

export const http: Bench = {
  title: 'requests per second inside run against plain Node in the same namespace; CPU time of a request, run / plain',
  async run(stage, report) {
    const name = stage.namespace('http')
    for (const client of ['http.get', 'fetch']) {
      for (const [way, path] of Object.entries(WAYS)) {
        report.rows.push(await compareRequests(`${client}, ${way}`, () => clients(stage, name, client, path), AIM))
      }
    }
    needs('wrk', 'the load generator for servers')
    for (const [way, connection] of Object.entries(WAYS)) {
      report.rows.push(await compareRequests(`server, ${way}`, () => servers(stage, name, connection), AIM))
    }
  },
}

async function servers(stage: Stage, name: string, connection: string): Promise<Record<string, Contestant>> {
  return {
    'inside run': await startServer(stage, name, connection, node('server', 'run', name)),
    plain: await startServer(stage, name, connection, insideByIp(name, node('server', 'plain'))),
  }
}

async function clients(stage: Stage, name: string, client: string, path: string): Promise<Record<string, Contestant>> {
  const responder = new Contender(stage, onCpu(1, insideByIp(name, node('responder'))))
  const url = `http://127.0.0.1:${await responder.line()}/${path}`
  return {
    'inside run': startClient(stage, node('client', 'run', name, client, url)),
    plain: startClient(stage, insideByIp(name, node('client', 'plain', name, client, url))),
    'storage alone': startClient(stage, insideByIp(name, node('client', 'storage', name, client, url))),
    responder: { contender: responder },
  }
}
