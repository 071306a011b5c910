// Lives beside an MQTT broker, and answers every message to ask/<id> with one to answer/<id> that names the network
// namespace the kernel says this is. Argument: the broker's port.
import { readlinkSync } from 'node:fs'
import { connect } from 'mqtt'

const here = readlinkSync('/proc/self/ns/net')
const client = connect({ host: '127.0.0.1', port: Number(process.argv[2]), reconnectPeriod: 50 })
client.on('message', (topic) => client.publish(topic.replace('ask/', 'answer/'), here))
client.on('connect', async () => {
  await client.subscribeAsync('ask/+')
  await client.publishAsync('answerer', 'ready', { retain: true })
})
