// Two containers on a bridge of docker's: what runs in one reaches the other, and is seen to come from there.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { openTarget, type Target } from 'nsfd'
import { startNsfd } from '../cli/nsfd.js'
import { uniqueName } from '../support/names.js'
import { docker, dockerRun, needsEngine, type Running } from './engines.js'

const SUBNET = '10.253.79'
const PORT = 8080

describe('containers on a bridge', needsEngine('docker'), () => {
  const network = uniqueName('br')
  const running: Running[] = []
  let server: Target
  let client: Target
  const listener = http.createServer((request, response) => response.end(request.socket.remoteAddress))
  const url = `http://${SUBNET}.10:${PORT}/`

  before(async () => {
    const link = `nsfd${process.pid % 1_000_000}` // at most 15 bytes
    const options = [`--opt=com.docker.network.bridge.name=${link}`, `--subnet=${SUBNET}.0/24`]
    docker('network', 'create', '--driver=bridge', ...options, network)
    for (const address of [10, 11]) running.push(dockerRun([`--network=${network}`, `--ip=${SUBNET}.${address}`]))
    server = await openTarget(`docker:${running[0]?.name}`)
    client = await openTarget(`docker:${running[1]?.name}`)
    await server.run(async () => once(listener.listen(PORT, '0.0.0.0'), 'listening'))
  })
  after(() => {
    listener.closeAllConnections()
    listener.close()
    server?.close()
    client?.close()
    for (const each of running) each[Symbol.dispose]()
    docker('network', 'rm', network)
  })

  test('a server in one by run() is fetched by run() in the other, from that one’s address', async () => {
    const seen = await client.run(async () => (await fetch(url)).text())
    assert.equal(seen, `${SUBNET}.11`)
  })

  test('the containers’ own programs reach it too, by nsfd enter', async () => {
    const entering = startNsfd(['enter', `docker:${running[1]?.name}`, '--', 'wget', '-q', '-O', '-', url])
    assert.equal(await text(entering.stdout as NodeJS.ReadableStream), `${SUBNET}.11`)
  })

  test('at home the same address is reached over the bridge’s own', async () => {
    assert.equal(await (await fetch(url)).text(), `${SUBNET}.1`)
  })

  test('the container’s name is known in the other, by docker’s own DNS in there', async () => {
    const named = `http://${running[0]?.name}:${PORT}/`
    assert.equal(await client.run(async () => (await fetch(named)).text()), `${SUBNET}.11`)
    await assert.rejects(fetch(named))
  })
})
