// listeners none | listeners <count>: an idle Node, or one with that many namespaces and an HTTP listener in each.
import { once } from 'node:events'
import { answer } from './answer.js'

const [count = 'none'] = process.argv.slice(2)

async function listen(namespaces: number): Promise<void> {
  const { createServer } = await import('node:http')
  const { Namespace } = await import('nsfd')
  for (let i = 0; i < namespaces; i++) {
    const namespace = Namespace.create('net')
    const server = namespace.run(() => createServer((_request, response) => response.end('hello\n')).listen(8080))
    await once(server, 'listening')
  }
}

if (count !== 'none') await listen(Number(count))
process.stdout.write('ready\n')
await answer(() => '')
