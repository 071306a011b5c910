// Many network namespaces in one process: the same address and port in each, and plain fetch inside each.
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { Namespace } from 'nsfd'

const namespaces = Array.from({ length: 10 }, () => Namespace.create('net'))
const servers = namespaces.map((namespace, n) => {
  namespace.runSync(() => execFileSync('ip', ['link', 'set', 'lo', 'up']))
  return namespace.run(() => createServer((_, response) => response.end(`server ${n}`)).listen(8080, '127.0.0.1'))
})
const answers = namespaces.map((namespace) => namespace.run(async () => (await fetch('http://127.0.0.1:8080/')).text()))
for (const [n, answer] of (await Promise.all(answers)).entries()) console.log(`${namespaces[n]} says: ${answer}`)

for (const server of servers) server.close().closeAllConnections()
for (const namespace of namespaces) namespace.close()
