// Lookups in a namespace: nsfd's inside run, against c-ares and getaddrinfo(3) of plain Node that `ip netns exec` placed
// there. Every lookup is for a new name, so that each is a packet there and one back.
import { Contender } from './contender.js'
import type { Bench } from './main.js'
import { type Contestant, compareRequests, startClient } from './requests.js'
import { insideByIp, needs, node, onCpu, type Stage } from './stage.js'

const WAYS = {
  'dns.resolve4 (c-ares), 16 at once': { how: 'resolve4', atOnce: 16 },
  'dns.resolve4 (c-ares), one at a time': { how: 'resolve4', atOnce: 1 },
  'dns.lookup (getaddrinfo), 16 at once': { how: 'lookup', atOnce: 16 },
}

export const dns: Bench = {
  title: 'lookups per second inside run against plain Node in the same namespace; CPU time of a lookup, run / plain',
  async run(stage, report) {
    needs('dnsmasq', 'the name server')
    const name = stage.namespace('dns')
    stage.etcFile(name, 'resolv.conf', 'nameserver 127.0.0.1\n')
    for (const [what, { how, atOnce }] of Object.entries(WAYS)) {
      const begin = () => clients(stage, name, how, atOnce)
      report.rows.push(await compareRequests(what, begin, { atLeast: 0.97 }))
    }
  },
}

async function clients(stage: Stage, name: string, how: string, atOnce: number): Promise<Record<string, Contestant>> {
  const program = (mode: string) => node('lookups', mode, name, how)
  return {
    'inside run': startClient(stage, program('run'), atOnce),
    plain: startClient(stage, insideByIp(name, program('plain')), atOnce),
    'storage alone': startClient(stage, insideByIp(name, program('storage')), atOnce),
    server: { contender: await nameServer(stage, name) },
  }
}

/** Answers every name below .bench by itself. Ends when its standard input does, as contenders do. */
async function nameServer(stage: Stage, name: string): Promise<Contender> {
  const options =
    '--keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= --log-facility=/dev/null'
  const dnsmasq = `dnsmasq ${options} --listen-address=127.0.0.1 --bind-interfaces --address=/bench/10.1.2.3`
  const script = `${dnsmasq} & echo started; cat >/dev/null; kill $!; wait`
  const contender = new Contender(stage, onCpu(1, insideByIp(name, ['sh', '-c', script])))
  await contender.line()
  return contender
}
