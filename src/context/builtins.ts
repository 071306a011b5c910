// Node's http, by require: importing it as an ES module reads every one of its exports, and from Node 22 on that loads
// undici (20 ms, 14 MB), which most programs that import nsfd do not need.
import { require } from '../kernel/require.js'

export const http = require('node:http') as typeof import('node:http')

/** Whether this thread has loaded a module of Node's; undefined where Node does not tell. */
export function hasLoaded(builtin: string): boolean | undefined {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] }
  return Array.isArray(moduleLoadList) ? moduleLoadList.includes(`NativeModule ${builtin}`) : undefined
}
