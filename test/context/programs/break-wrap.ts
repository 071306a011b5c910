// A preload: makes one native method impossible to wrap, as some other Node, or some other package, might have it.
// Arguments of the program: what to break, and whether an assignment is ignored or refused.
const [target = '', way] = process.argv.slice(2)
const [name = '', method = ''] = target.split('.')
const modules: Record<string, string> = { TCP: 'tcp_wrap', Pipe: 'pipe_wrap', UDP: 'udp_wrap', Process: 'process_wrap' }
const binding = process as unknown as { binding(name: string): Record<string, { prototype: object }> }
const prototype = binding.binding(modules[name] ?? '')[name]?.prototype
if (prototype === undefined) throw new Error(`there is no ${name}`)
const value = Reflect.get(prototype, method)
if (typeof value !== 'function') throw new Error(`there is no ${target}`)
Object.defineProperty(
  prototype,
  method,
  way === 'frozen'
    ? { value, writable: false, configurable: false }
    : { get: () => value, set() {}, configurable: false },
)

export {}
