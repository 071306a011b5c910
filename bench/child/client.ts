// client run|plain|storage <namespace> http.get|fetch <url>: an HTTP client, for answerSlices
import { Agent, get } from 'node:http'
import { answerSlices } from './slices.js'

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

await answerSlices(mode, name, request)
