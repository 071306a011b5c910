// The main promise: the same address and port served in several namespaces and at home, and never the wrong answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hooksFor, needs } from '../support/needs.js'
import { PROTOCOLS, type Service } from './support/protocols.js'
import { closeSites, home, makeSites, nextPort, placeOfSocket, type Site } from './support/sites.js'
import { everyTestLeavesThreadsAtHome } from './support/watch.js'

everyTestLeavesThreadsAtHome()
const { after, before } = hooksFor('admin')
let sites: Site[] = []
before(() => {
  sites = [home, ...makeSites(3)]
})
after(() => closeSites(sites))

for (const [name, protocol] of Object.entries(PROTOCOLS)) {
  const possible = protocol.missing === true ? { skip: `this Node has no ${name}` } : needs('admin')
  test(
    `${name}: same address in three namespaces and at home, 240 interleaved requests, all answered by the right side`,
    possible,
    async () => {
      const port = nextPort()
      const services: Service[] = []
      try {
        for (const site of sites) services.push(await site.run(() => protocol.serve(port, `I am ${site.name}`)))
        for (const [i, { socket }] of services.entries()) assert.equal(placeOfSocket(socket), sites[i]?.place)
        const questions = Array.from({ length: 60 }, () => sites).flat()
        await Promise.all(
          questions.map((site) =>
            site.run(async () => {
              const seen: string[] = []
              assert.equal(await protocol.ask(port, (socket) => seen.push(placeOfSocket(socket))), `I am ${site.name}`)
              for (const place of seen) assert.equal(place, site.place)
            }),
          ),
        )
      } finally {
        for (const service of services) service.close()
      }
    },
  )

  test(
    `${name}: what is served inside only is not there at home, and what is served at home only is not inside`,
    possible,
    async () => {
      const [, inside] = sites as [Site, Site]
      for (const [server, client] of [
        [home, inside],
        [inside, home],
      ] as const) {
        const port = nextPort()
        const service = await server.run(() => protocol.serve(port, 'wrong side'))
        try {
          const answer = client.run(() => Promise.race([protocol.ask(port, () => {}), silence(150)]))
          await assert.rejects(answer)
        } finally {
          service.close()
        }
      }
    },
  )
}

/** UDP has no way of refusing that every system shows. */
function silence(ms: number): Promise<never> {
  return new Promise((_, reject) => setTimeout(() => reject(new Error('silence')), ms))
}
