// start-thread <what> <where> <folder>: starts what has a thread of its own, and says what came of it. Traces go to the folder.
import inspector from 'node:inspector'
import { Session as PromisesSession } from 'node:inspector/promises'
import trace from 'node:trace_events'
import v8 from 'node:v8'
import { Namespace } from '#dist/index.js'
import { threadsAbroad } from '../../support/state.js'

const [what = '', where = '', folder = ''] = process.argv.slice(2)
process.chdir(folder)
const sessions = { callback: new inspector.Session(), promise: new PromisesSession() }
for (const session of Object.values(sessions)) {
  session.connect()
  session.post('Profiler.enable')
}

const STARTS: Record<string, (() => unknown) | undefined> = {
  'inspector.open': () => inspector.open(0, '127.0.0.1'),
  'Profiler.start': () => sessions.callback.post('Profiler.start'),
  'Profiler.start by promise': () => void sessions.promise.post('Profiler.start'),
  'NodeTracing.start': () =>
    sessions.callback.post('NodeTracing.start', { traceConfig: { includedCategories: ['node'] } } as never),
  trace_events: () => trace.createTracing({ categories: ['node.perf'] }).enable(),
  startCpuProfile:
    'startCpuProfile' in v8 ? () => (v8 as unknown as { startCpuProfile(): void }).startCpuProfile() : undefined,
  'Profiler.enable': () => sessions.callback.post('Profiler.enable'), // starts none, and is let pass
}

const start = STARTS[what]
const outcome = { code: 'missing', message: '', abroad: [] as string[] }
if (start !== undefined) {
  using ns = Namespace.create('net')
  ns.runSync(() => {}) // Node's own threads are there, and nsfd has looked at what starts others
  try {
    if (where === 'home') start()
    else ns.runSync(() => void start())
    outcome.code = 'started'
  } catch (error) {
    outcome.code = (error as NodeJS.ErrnoException).code ?? String(error)
    outcome.message = (error as Error).message
  }
  outcome.abroad = threadsAbroad()
}
// Not by an exit, at which a profiler that still runs can bring Node 24 and 26 down.
process.stdout.write(JSON.stringify(outcome), () => process.kill(process.pid, 'SIGKILL'))
