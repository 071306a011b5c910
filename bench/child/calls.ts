// calls <prefix>: "<call> <count>" -> nanoseconds for that many. Whatever a call makes, it also takes away.
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import { Namespace } from 'nsfd'
import { answer, nanoseconds } from './answer.js'

const [prefix = ''] = process.argv.slice(2)
const red = Namespace.create('net')
const storage = new AsyncLocalStorage()
const nothing = () => {}
const name = (i: number) => `${prefix}-${i}`

const once: Record<string, (i: number) => void> = {
  run: () => red.run(nothing),
  runSync: () => red.runSync(nothing),
  als: () => storage.run(red, nothing),
  create: () => Namespace.create('net').close(),
  pin(i) {
    const namespace = Namespace.create('net')
    namespace.pin(name(i)).unpin()
    namespace.close()
  },
  ip(i) {
    ip(['netns', 'add', name(i)])
    ip(['netns', 'del', name(i)])
  },
}

const calls: Record<string, (count: number) => void> = {
  ...Object.fromEntries(Object.entries(once).map(([call, work]) => [call, times(work)])),
  'ip-batch'(count) {
    const lines = Array.from({ length: count }, (_, i) => `netns add ${name(i)}\nnetns del ${name(i)}\n`)
    ip(['-batch', '-'], lines.join(''))
  },
}

function times(work: (i: number) => void): (count: number) => void {
  return (count) => {
    for (let i = 0; i < count; i++) work(i)
  }
}

function ip(args: string[], input = ''): void {
  const { status, stderr } = spawnSync('ip', args, { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}

red.run(nothing) // the first run proves itself; that is not what is measured
process.stdout.write('ready\n')
await answer((question) => {
  const [call = '', count] = question.split(' ')
  const work = calls[call]
  if (work === undefined) throw new Error(`no such call: ${call}`)
  return nanoseconds(() => work(Number(count)))
})
