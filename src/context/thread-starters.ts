// What else of Node starts a thread when it is called: the inspector, the CPU profiler, tracing. Inside runSync() it would be
// born abroad, so the call is refused there, before anything has started.
import { syncBuiltinESMExports } from 'node:module'
import { require } from '../kernel/require.js'
import { isVisiting } from '../namespace/thread.js'
import { bornAbroad } from './threads.js'

type Call = (this: unknown, ...args: unknown[]) => unknown
type Owner = Record<string, Call>
/** Which calls of a method are meant; all where it is not said. */
type Meant = (args: unknown[]) => boolean

/** Of the inspector's protocol: V8's sampling thread, and the one that writes traces. */
const STARTING_METHODS = new Set<unknown>(['Profiler.start', 'NodeTracing.start'])

let done = false

export function refuseThreadStartersWhileAway(): void {
  if (done) return
  done = true
  for (const [what, owner, method, meant] of threadStarters()) refuseWhileAway(what, owner, method, meant)
  syncBuiltinESMExports()
}

function threadStarters(): [what: string, owner: object, method: string, meant?: Meant][] {
  const starters: [string, object, string, Meant?][] = [['the CPU profiler', require('node:v8'), 'startCpuProfile']]
  // Node can be built without the inspector, and then has neither of these.
  if (process.features.inspector) {
    const inspector = require('node:inspector') as typeof import('node:inspector')
    const promises = require('node:inspector/promises') as typeof import('node:inspector/promises')
    starters.push(['the inspector', inspector, 'open'], ['the inspector', promises, 'open'])
    for (const { prototype } of [inspector.Session, promises.Session]) {
      starters.push(['the profiler', prototype, 'post', ([method]) => STARTING_METHODS.has(method)])
    }
  }
  const tracing = tracingPrototype()
  if (tracing !== undefined) starters.push(['tracing', tracing, 'enable'])
  return starters
}

/** Of a class that is not exported; Workers, and some builds, have no tracing. */
function tracingPrototype(): object | undefined {
  const { createTracing } = traceEvents() ?? {}
  return createTracing && Object.getPrototypeOf(createTracing({ categories: ['v8'] }))
}

function traceEvents(): typeof import('node:trace_events') | undefined {
  try {
    return require('node:trace_events') as typeof import('node:trace_events')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_TRACE_EVENTS_UNAVAILABLE') return undefined
    throw error
  }
}

function refuseWhileAway(what: string, owner: object, method: string, meant: Meant = () => true): void {
  const original = (owner as Owner)[method]
  if (original === undefined || !Object.hasOwn(owner, method)) return
  function refusing(this: unknown, ...args: unknown[]): unknown {
    if (isVisiting() && meant(args)) throw bornAbroad(`${what} cannot be started inside runSync()`)
    return Reflect.apply(original as Call, this, args)
  }
  Object.assign(owner, { [method]: refusing })
}
