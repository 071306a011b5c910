// server run <namespace> | server plain | server imported: an HTTP server. Says its port; "cpu" -> its CPU time in ns.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answer } from './answer.js'

const [mode, name = ''] = process.argv.slice(2)

function serve(): void {
  const server = createServer((_request, response) => response.end('hello\n'))
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
}

if (mode === 'plain') serve()
else {
  const { Namespace } = await import('nsfd')
  if (mode === 'imported') serve()
  else Namespace.named(name).run(serve)
}

await answer(() => {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
})
