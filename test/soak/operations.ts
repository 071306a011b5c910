// The mixed operations of the soak, each one thing a user of nsfd does, proven in passing.
import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer } from 'node:net'
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  type Kind,
  Namespace,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  socketat,
} from 'nsfd'
import { close } from '#dist/kernel/syscalls.js'
import { placeOf } from '../support/state.js'

export type Soak = {
  /** Namespaces that live as long as the soak, with a listener in each. */
  readonly standing: readonly { namespace: Namespace; port: number }[]
  readonly prefix: string
  /** Handles of namespaces that were made in passing: none may live at the end. */
  readonly made: string[]
}

type Operation = (soak: Soak, turn: number) => void | Promise<void>

const SOCKETS = [
  [AF_INET, SOCK_STREAM],
  [AF_INET6, SOCK_DGRAM],
  [AF_UNIX, SOCK_STREAM],
  [AF_NETLINK, SOCK_RAW],
] as const
const CREATED: Kind[] = ['net', 'uts', 'ipc', 'cgroup']

/** name: [how many of a thousand operations, what it does]. */
export const OPERATIONS: Record<string, [number, Operation]> = {
  socketat: [
    700,
    (soak, turn) => {
      const [family, type] = SOCKETS[turn % SOCKETS.length] as (typeof SOCKETS)[number]
      close(socketat(pick(soak, turn).namespace, family, type))
    },
  ],
  'socketat, refused': [
    20,
    (soak, turn) => {
      assert.throws(() => socketat(pick(soak, turn).namespace, 9999, SOCK_STREAM), { code: 'EAFNOSUPPORT' })
    },
  ],
  runSync: [
    150,
    (soak, turn) => {
      const { namespace } = pick(soak, turn)
      assert.equal(
        namespace.runSync(() => placeOf('net')),
        String(namespace),
      )
    },
  ],
  'runSync that throws': [
    20,
    (soak, turn) => {
      const error = new Error('thrown inside')
      const thrower = () => {
        throw error
      }
      assert.throws(() => pick(soak, turn).namespace.runSync(thrower), error)
    },
  ],
  'run with sockets': [40, (soak, turn) => talk(pick(soak, turn))],
  'run with a server': [10, (soak, turn) => serve(pick(soak, turn).namespace)],
  create: [
    20,
    (soak, turn) => {
      using made = Namespace.create(CREATED[turn % CREATED.length] as Kind)
      soak.made.push(made.handle())
    },
  ],
  'pin and unpin': [
    20,
    (soak, turn) => {
      const name = `${soak.prefix}-${turn}`
      const { namespace } = pick(soak, turn)
      const pin = namespace.pin(name)
      {
        using found = Namespace.named(name)
        assert.ok(found.equals(namespace))
      }
      pin.unpin()
    },
  ],
  'create, pin, forget, unpin': [
    10,
    (soak, turn) => {
      const name = `${soak.prefix}-${turn}`
      const made = Namespace.create('net')
      soak.made.push(made.handle())
      made.pin(name)
      made.close()
      Namespace.unpin(name)
    },
  ],
  'open by every other way': [
    10,
    (soak, turn) => {
      const { namespace } = pick(soak, turn)
      const ways = [
        () => namespace.clone(),
        () => Namespace.open(`/proc/self/fd/${namespace.fd}`),
        () => Namespace.fromHandle(namespace.handle()),
      ]
      for (const way of ways) {
        using same = way()
        assert.ok(same.equals(namespace))
      }
      Namespace.ofProcess(process.pid, 'net').close()
      namespace.owner().close()
    },
  ],
}

/** The same order every time, with every operation spread evenly. */
export function* schedule(count: number): Generator<Operation> {
  const wheel = Object.values(OPERATIONS).flatMap(([share, operation]) => Array<Operation>(share).fill(operation))
  // 7919 is a prime that does not divide the wheel: each turn of it visits every place once.
  for (let turn = 0; turn < count; turn++) yield wheel[(turn * 7919) % wheel.length] as Operation
}

function pick(soak: Soak, turn: number) {
  return soak.standing[turn % soak.standing.length] as Soak['standing'][number]
}

/** A connection inside to the listener inside, which answers with its own namespace. */
async function talk({ namespace, port }: Soak['standing'][number]): Promise<void> {
  const answer = await namespace.run(
    () =>
      new Promise<string>((resolve, reject) => {
        let text = ''
        connect(port, '127.0.0.1')
          .setEncoding('utf8')
          .on('data', (part) => {
            text += part
          })
          .on('error', reject)
          .on('close', () => resolve(text))
      }),
  )
  assert.equal(answer, String(namespace))
}

async function serve(namespace: Namespace): Promise<void> {
  const listener = await listen(namespace)
  await talk({ namespace, port: listener.port })
  await listener.close()
}

/** A server inside that tells every connection where it is. */
export async function listen(namespace: Namespace): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((connection) => connection.on('error', () => {}).end(String(namespace)))
  await namespace.run(
    () => new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve)),
  )
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
