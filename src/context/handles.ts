// Which native calls of Node make kernel objects, and wrapping them, once a thread.
import { hasCode } from '../kernel/errors.js'
import { Namespace } from '../namespace/namespace.js'
import { isVisiting } from '../namespace/thread.js'
import { type Bindings, type NativeHandle, replaceMethod } from './bindings.js'
import { bracketSocketCall, inEachNamespace } from './bracket.js'
import { isNamed } from './explicit.js'
import { currentStore, HOME } from './storage.js'

/** libuv makes a socket lazily, in the first of these calls. */
const SOCKET_CALLS = {
  TCP: ['bind', 'bind6', 'connect', 'connect6', 'listen'],
  Pipe: ['bind', 'connect', 'listen'],
  UDP: [
    'bind',
    'bind6',
    'connect',
    'connect6',
    'send',
    'send6',
    'recvStart',
    'addMembership',
    'dropMembership',
    'addSourceSpecificMembership',
    'dropSourceSpecificMembership',
    'setMulticastInterface',
  ],
} as const

const UV_EPERM = -1
const SIGKILL = 9

export function bracketHandles(bindings: Bindings): void {
  for (const [name, calls] of Object.entries(SOCKET_CALLS)) {
    const { prototype } = bindings[name as keyof typeof SOCKET_CALLS]
    for (const call of calls) bracketSocketCall(prototype, call)
  }
  bracketSpawn(bindings)
  bracketSpawnSync(bindings)
}

/** Children of child_process: born where their parent thread is at that moment. */
function bracketSpawn({ Process }: Bindings): void {
  const original = Process.prototype.spawn
  replaceMethod(Process.prototype, 'spawn', function spawn(this: unknown, ...args: unknown[]): unknown {
    const store = currentStore()
    if (store === HOME && !isVisiting()) return Reflect.apply(original as never, this, args)
    const start = () => Reflect.apply(original as never, this, args) as number
    const result = inEachNamespace(store, start, (uvError) => uvError)
    if (result !== 0 || isNamed('net')) return result
    return proveFirstChild(this as NativeHandle, store.net)
  })
}

/** On the first child, asks the kernel where it really is. One in the wrong place is killed before it is known to anyone. */
function proveFirstChild(child: NativeHandle, expected: Namespace | undefined): number {
  if (childProven || expected === undefined) return 0
  try {
    using actual = Namespace.ofProcess(child.pid, 'net')
    childProven = actual.equals(expected)
  } catch (error) {
    if (hasCode(error, 'ESRCH', 'ENOENT')) return 0 // it has ended already, or is a zombie; the next one will tell
    throw error
  }
  if (childProven) return 0
  child.kill(SIGKILL)
  return UV_EPERM
}
let childProven = false

function bracketSpawnSync({ spawnSync }: Bindings): void {
  const original = spawnSync.spawn
  replaceMethod(spawnSync, 'spawn', function spawn(this: unknown, ...args: unknown[]): unknown {
    const store = currentStore()
    if (store === HOME && !isVisiting()) return Reflect.apply(original, this, args)
    const refused = (uvError: number) => ({ error: uvError, pid: 0, status: null, signal: null, output: null })
    return inEachNamespace<unknown>(store, () => Reflect.apply(original, this, args), refused)
  })
}
