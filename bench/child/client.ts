// client run|plain <namespace> http.get|fetch <url>; "<ms> <connections>" -> {"rate":requests/s,"cpu":ns a request}
import { Agent, get } from 'node:http'
import { Namespace } from 'nsfd'
import { answer } from './answer.js'

const [mode, name = '', client, url = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true })

const request = { 'http.get': byHttp, fetch: byFetch }[client ?? '']
if (request === undefined) throw new Error(`no such client: ${client}`)

function byHttp(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject)
  })
}

async function byFetch(): Promise<unknown> {
  const response = await fetch(url)
  return response.text()
}

async function slice(ms: number, connections: number): Promise<string> {
  const before = process.cpuUsage()
  const start = performance.now()
  let requests = 0
  const worker = async () => {
    for (; performance.now() - start < ms; requests++) await request?.()
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  return JSON.stringify({ rate: requests / seconds, cpu: ((user + system) * 1000) / requests })
}

const inside = mode === 'run' ? <T>(fn: () => T) => Namespace.named(name).run(fn) : <T>(fn: () => T) => fn()
await answer((question) => {
  const [ms, connections] = question.split(' ').map(Number)
  return inside(() => slice(ms as number, connections as number))
})
