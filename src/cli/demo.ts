// nsfd demo: tells the story of demo-story.ts, for people or as JSON.
import { release } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { Command } from 'commander'
import { Namespace } from '../namespace/namespace.js'
import type { Pin } from '../namespace/pin.js'
import * as story from './demo-story.js'

type Say = (line?: string) => void
const COLOURS = { red: 'red', green: 'green', blue: 'blueBright' } as const

export function demoCommand(): Command {
  return new Command('demo')
    .description('three namespaces, one process: what nsfd does, shown on this machine')
    .option('--json', 'print what the kernel said, as JSON')
    .addHelpText('after', '\nExamples:\n  nsfd demo\n  nsfd demo --json\n  nsfd --rootless demo')
    .action(async (options: { json?: boolean }) => demo(options.json ?? false))
}

async function demo(json: boolean): Promise<void> {
  const say: Say = json ? () => {} : (line = '') => console.log(line)
  const started = performance.now()
  const rooms: story.Room[] = []
  const pins: Pin[] = []
  const networks: Namespace[] = []
  const cleanUp = async () => {
    for (const pin of pins.splice(0)) pin.unpin()
    await story.closeRooms(rooms)
    for (const network of networks.splice(0)) network.close()
  }
  const interrupted = (signal: NodeJS.Signals) => {
    void cleanUp().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    const report = await tell(rooms, pins, networks, say)
    await cleanUp()
    const left = await leftBehind(report.pin.name)
    const tookMs = Math.round(performance.now() - started)
    say(`  Cleaned up: ${left.length === 0 ? 'nothing is left' : left.join(', ')}. The whole story took ${tookMs} ms.`)
    if (json) console.log(JSON.stringify({ ...report, leftBehind: left, tookMs }, null, 2))
  } finally {
    await cleanUp()
    process.removeListener('SIGINT', interrupted).removeListener('SIGTERM', interrupted)
  }
}

async function tell(rooms: story.Room[], pins: Pin[], networks: Namespace[], say: Say) {
  say(
    `\n  ${bold('nsfd')}: one Node process, three network namespaces. ${dim(`Node ${process.version}, Linux ${release()}`)}\n`,
  )

  const port = await story.openRooms(rooms)
  say(
    `  ${bold('1')}  Three servers listen on the same address and port, 0.0.0.0:${port}, each in a namespace of its own.\n`,
  )

  const answers = await story.fetchFromEach(rooms, port)
  say(`  ${bold('2')}  The same fetch('http://${story.ADDRESS}:${port}/') from inside each, all at once:\n`)
  for (const each of answers) {
    const verdict = each.agrees
      ? dim(`kernel: its socket is in ${each.socketIn}, as claimed`)
      : `WRONG: ${each.socketIn}`
    say(
      `       ${label(each.name)} ${each.namespace}  →  "${paint(each.answer, each.name)}"${gap(each.name)}   ${verdict}`,
    )
  }

  const home = await story.fetchFromHome(port)
  say(`\n  ${bold('3')}  The same fetch from home: ${home}. Home sees none of them.\n`)

  const { network, tookMs } = await story.joinRooms(rooms)
  networks.push(network)
  const heard = await story.fetchAcross(rooms, port)
  say(
    `  ${bold('4')}  A bridge in a fourth namespace and a veth pair to each, without ip(8), in ${tookMs.toFixed(0)} ms. Now they hear each other:\n`,
  )
  for (const { from, to, address, answer } of heard) {
    say(`       ${label(from)} → http://${address}:${port}/ → "${paint(answer, to)}"`)
  }
  say()

  const first = (rooms[0] as story.Room).namespace
  const timing = story.timeSocketat(first)
  const [plain, elsewhere] = [timing.socketUs, timing.socketatUs].map((us) => `${us.toFixed(1)} µs`)
  say(`  ${bold('5')}  A socket at home takes ${plain}; socketat(), a socket in another namespace, ${elsewhere}.\n`)

  const name = `nsfd-demo-${process.pid}`
  pins.push(first.pin(name))
  const listed = story.askIpNetns(name)
  say(
    `  ${bold('6')}  ${paint('red')} pinned as ${name}. ip netns list says: ${listed ?? dim('(iproute2 is not installed)')}\n`,
  )

  const wrong = [...answers, ...heard].filter(({ agrees }) => !agrees)
  if (wrong.length > 0) throw new Error(`an answer from the wrong side: ${JSON.stringify(wrong)}`)
  return {
    node: process.version,
    kernel: release(),
    address: story.ADDRESS,
    port,
    answers,
    fromHome: home,
    wired: heard,
    timing,
    pin: { name, ipNetnsList: listed ?? null },
  }
}

/** What the kernel still knows of us: pins by our name. */
async function leftBehind(pinName: string): Promise<string[]> {
  await sleep(0)
  return Namespace.list('net')
    .filter(({ name }) => name === pinName)
    .map(({ path }) => path)
}

function paint(text: string, name = text): string {
  const colour = COLOURS[name as keyof typeof COLOURS]
  return colour === undefined ? text : style(colour, text)
}

/** A name with what it lacks to the longest, so that what follows lines up. */
const label = (name: string) => paint(name) + gap(name)
const gap = (name: string) => ' '.repeat(Math.max(...story.NAMES.map(({ length }) => length)) - name.length)

const bold = (text: string) => style('bold', text)
const dim = (text: string) => style('dim', text)

function style(format: Parameters<typeof styleText>[0], text: string): string {
  const wanted = process.stdout.isTTY && !process.env.NO_COLOR
  return wanted ? styleText(format, text) : text
}
