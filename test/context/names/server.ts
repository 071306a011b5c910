// A small authoritative DNS server for tests: what it says is a function of the question; it counts what it is asked.
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import dnsPacket from 'dns-packet'

export type Question = { name: string; type: string; via: 'udp' | 'tcp'; packet: dnsPacket.DecodedPacket }
/** Parts of a reply, whole bytes, several datagrams, or nothing at all; cut ends a stream in the middle of it. */
export type Said = Omit<Partial<dnsPacket.Packet>, 'flags'> & {
  rcode?: number
  truncated?: boolean
  bytes?: Buffer[]
  cut?: boolean
}
export type Behaviour = (question: Question) => Said | undefined

export type TestServer = AsyncDisposable & {
  address: string
  port: number
  questions: Question[]
  behave(behaviour: Behaviour): void
  from: RemoteInfo[]
}

export async function startServer(behaviour: Behaviour, address = '127.0.0.1'): Promise<TestServer> {
  const state = { behaviour }
  const questions: Question[] = []
  const from: RemoteInfo[] = []
  const tcp = createServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => {}) // A client that gives up resets the connection.
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const { replies, cut } = answer(received.subarray(2, 2 + received.readUInt16BE(0)), 'tcp')
      for (const reply of replies) {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(reply.length)
        // In two pieces: a stream has no messages.
        socket.write(Buffer.concat([length, reply.subarray(0, 5)]))
        setTimeout(() => socket.end(cut ? '' : reply.subarray(5)), 5)
      }
    })
  })
  tcp.listen(0, address)
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  udp.bind(port, address)
  await once(udp, 'listening')
  udp.on('message', (bytes, remote) => {
    from.push(remote)
    for (const reply of answer(bytes, 'udp').replies) udp.send(reply, remote.port, remote.address)
  })

  function answer(bytes: Buffer, via: 'udp' | 'tcp'): { replies: Buffer[]; cut?: boolean | undefined } {
    const packet = dnsPacket.decode(bytes)
    const asked = packet.questions?.[0]
    if (asked === undefined) return { replies: [] }
    const question: Question = { name: asked.name, type: asked.type, via, packet }
    questions.push(question)
    const said = state.behaviour(question)
    if (said === undefined) return { replies: [] }
    return { replies: said.bytes ?? [encodeReply(packet, said)], cut: said.cut }
  }

  return {
    address,
    port,
    questions,
    from,
    behave(next) {
      state.behaviour = next
    },
    async [Symbol.asyncDispose]() {
      udp.close()
      tcp.close()
      await Promise.all([once(udp, 'close'), once(tcp, 'close')])
    },
  }
}

export function encodeReply(query: dnsPacket.DecodedPacket, said: Said): Buffer {
  const { rcode = 0, truncated = false, bytes: _, cut: __, ...parts } = said
  const flags = dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE
  return dnsPacket.encode({
    type: 'response',
    id: query.id ?? 0,
    flags: flags | rcode | (truncated ? dnsPacket.TRUNCATED_RESPONSE : 0),
    questions: query.questions ?? [],
    ...parts,
  })
}

/** Records by 'name type'; NXDOMAIN for a name it does not know, no data for a type. Aliases are followed. */
export function zone(records: dnsPacket.Answer[], soaMinimum?: number): Behaviour {
  const soa: dnsPacket.Answer[] = soaMinimum === undefined ? [] : [soaRecord(soaMinimum)]
  return ({ name, type }) => {
    const answers: dnsPacket.Answer[] = []
    let owner = name.toLowerCase()
    for (let hops = 0; hops < 20; hops++) {
      const here = records.filter((record) => record.name.toLowerCase() === owner)
      if (here.length === 0 && hops === 0) return { rcode: 3, authorities: soa }
      answers.push(...here.filter((record) => type === 'ANY' || record.type === type))
      const alias = here.find((record) => record.type === 'CNAME') as { data: string } | undefined
      if (alias === undefined || type === 'CNAME' || type === 'ANY') break
      answers.push(...here.filter((record) => record.type === 'CNAME'))
      owner = alias.data.toLowerCase()
    }
    return { answers, authorities: answers.length === 0 ? soa : [] }
  }
}

function soaRecord(minimum: number): dnsPacket.Answer {
  const data = { mname: 'ns.example', rname: 'host.example', serial: 1, refresh: 2, retry: 3, expire: 4, minimum }
  return { type: 'SOA', name: 'example', ttl: 3600, data }
}
