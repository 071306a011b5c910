// mqtt with a mosquitto on each side: requests and answers over topics, and reconnecting after the broker restarts.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, connectAsync, type MqttClient } from 'mqtt'
import { serverProgram } from '../support/servers.js'
import { interleave } from './support/interleave.js'
import { needsServers, type Server, type Side, type Sides, twoSides } from './support/sides.js'

test('mqtt: a client a namespace, interleaved: no answer from the wrong side', needsServers('mosquitto'), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await startMosquitto(side, sides.port)
  const asking = await askers(sides)
  await interleave(sides, {
    ask: (side, n) => (asking.get(side) as Ask)(n),
    expected: (side) => side.ns.toString(),
    askAtHome: () => connectAsync(`mqtt://127.0.0.1:${sides.port}`, { reconnectPeriod: 0 }, false),
  })
})

test('mqtt: a client for every request', needsServers('mosquitto'), async () => {
  await using sides = await twoSides()
  for (const side of sides.both) await startMosquitto(side, sides.port)
  for (const side of sides.both) {
    const herald = side.ns.run(() => client(sides))
    await herald.publishAsync('side', side.name, { retain: true })
    await herald.endAsync()
  }
  await interleave(sides, {
    ask: (side) =>
      side.ns.run(async () => {
        const mqtt = client(sides)
        const message = nextMessage(mqtt)
        await mqtt.subscribeAsync('side')
        const payload = await message
        await mqtt.endAsync()
        return payload
      }),
    askAtHome: () => connectAsync(`mqtt://127.0.0.1:${sides.port}`, { reconnectPeriod: 0 }, false),
  })
})

test('mqtt: clients come back to their own side after the brokers restart', needsServers('mosquitto'), async () => {
  await using sides = await twoSides()
  const brokers = new Map<Side, Server>()
  for (const side of sides.both) brokers.set(side, await startMosquitto(side, sides.port))
  const asking = await askers(sides)
  for (let round = 0; round < 3; round++) {
    for (const side of sides.both) {
      await brokers.get(side)?.stop('SIGKILL')
      assert.equal(await asking.get(side.other)?.(round), side.other.ns.toString())
      brokers.set(side, await startMosquitto(side, sides.port))
      await ready(sides, side)
      assert.equal(await asking.get(side)?.(round), side.ns.toString())
    }
  }
})

function startMosquitto(side: Side, port: number): Promise<Server> {
  const file = join(side.dir, 'mosquitto.conf')
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\n`)
  return side.start(serverProgram('mosquitto'), ['-c', file])
}

type Ask = (n: number) => Promise<string>

/** For each side, an answerer born there, and a client here that asks it. */
async function askers(sides: Sides): Promise<Map<Side, Ask>> {
  const asking = new Map<Side, Ask>()
  for (const side of sides.both) {
    await side.startProgram('mqtt-answerer', [String(sides.port)])
    await ready(sides, side)
    asking.set(side, await asker(sides, side))
  }
  return asking
}

async function asker(sides: Sides, side: Side): Promise<Ask> {
  const waiting = new Map<string, (answer: string) => void>()
  const mqtt = side.ns.run(() => client(sides))
  sides.atEnd(() => mqtt.end(true))
  mqtt.on('error', () => {}) // it says so, and comes back
  mqtt.on('message', (topic, payload) => waiting.get(topic)?.(String(payload)))
  await mqtt.subscribeAsync('answer/+')
  return async (n) => {
    const answered = new Promise<string>((resolve) => waiting.set(`answer/${n}`, resolve))
    const ask = () => mqtt.publish(`ask/${n}`, '', { qos: 1 })
    const again = setInterval(ask, 500) // a broker that is killed takes messages with it
    ask()
    try {
      return await answered
    } finally {
      clearInterval(again)
    }
  }
}

async function ready(sides: Sides, side: Side): Promise<void> {
  const mqtt = side.ns.run(() => client(sides))
  const message = nextMessage(mqtt)
  await mqtt.subscribeAsync('answerer')
  await message
  await mqtt.endAsync()
}

function client({ port }: Sides): MqttClient {
  return connect({ host: '127.0.0.1', port, reconnectPeriod: 50 })
}

function nextMessage(mqtt: MqttClient): Promise<string> {
  return new Promise((resolve) => mqtt.once('message', (_, payload) => resolve(String(payload))))
}
