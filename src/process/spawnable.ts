// How something that is more than namespaces, a container's Target, starts a command inside itself when spawn() is given it.
import type { ChildProcess } from 'node:child_process'

export const SPAWN: unique symbol = Symbol('nsfd.spawn')

export type Spawnable<Options> = {
  [SPAWN](command: string, args: readonly string[], options: Options): ChildProcess
}

export function isSpawnable<Options>(inside: unknown): inside is Spawnable<Options> {
  return typeof inside === 'object' && inside !== null && SPAWN in inside
}
