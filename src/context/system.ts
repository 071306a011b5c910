// What else Node asks the kernel about namespaces from the JavaScript thread: interfaces, the host's name, exec.
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { systemError } from '../kernel/errors.js'
import type { VisitableKind } from '../namespace/kinds.js'
import { isVisiting } from '../namespace/thread.js'
import { inEachNamespace, inNamespace } from './bracket.js'
import { currentStore, HOME } from './storage.js'

export function bracketSystemCalls(): void {
  os.networkInterfaces = inside('net', 'networkInterfaces', os.networkInterfaces)
  os.hostname = inside('uts', 'hostname', os.hostname)
  syncBuiltinESMExports()
  bracketExecve()
}

function inside<T>(kind: VisitableKind, name: string, original: () => T): () => T {
  return () => inNamespace(kind, currentStore()[kind], original, (uvError) => refuse(uvError, name))
}

/** process.execve (Node 22.15): this process becomes another program, in the namespaces its thread is in. */
function bracketExecve(): void {
  const { execve } = process as { execve?: (...args: unknown[]) => never }
  if (execve === undefined) return
  const bracketed = (...args: unknown[]): never => {
    const store = currentStore()
    if (store === HOME && !isVisiting()) return execve(...args)
    return inEachNamespace<never>(
      store,
      () => execve(...args),
      (uvError) => refuse(uvError, 'execve'),
    )
  }
  Object.assign(process, { execve: bracketed })
}

function refuse(uvError: number, name: string): never {
  throw systemError(-uvError, {
    syscall: 'setns',
    asked: `${name}() cannot be called inside run()`,
    next: { EBADF: 'the Namespace was closed while this call tree still runs in it' },
  })
}
