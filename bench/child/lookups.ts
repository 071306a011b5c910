// lookups run|plain|storage <namespace> resolve4|lookup|Resolver: asks for a new name every time, for answerSlices
import assert from 'node:assert/strict'
import dns from 'node:dns'
import { answerSlices } from './slices.js'

const [mode, name = '', how = ''] = process.argv.slice(2)
const ADDRESS = '10.1.2.3'
const resolver = new dns.promises.Resolver()
let count = 0

const WAYS: Record<string, (hostname: string) => Promise<unknown>> = {
  resolve4: (hostname) => dns.promises.resolve4(hostname).then(([address]) => address),
  Resolver: (hostname) => resolver.resolve4(hostname).then(([address]) => address),
  lookup: (hostname) => dns.promises.lookup(hostname, { family: 4 }).then(({ address }) => address),
}
const ask = WAYS[how]
if (ask === undefined) throw new Error(`no such lookup: ${how}`)

await answerSlices(mode, name, async () => {
  const address = await ask(`host-${process.pid}-${count++}.bench`)
  if (address !== ADDRESS) assert.fail(`answered ${address}`)
})
