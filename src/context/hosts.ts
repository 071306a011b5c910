// Placeholder for the names module.
import type { Namespace } from '../namespace/namespace.js'
export function resolveHost(_net: Namespace, hostname: string, family: number): string[] {
  if (hostname === 'localhost') return family === 4 ? ['127.0.0.1'] : family === 6 ? ['::1'] : ['127.0.0.1', '::1']
  return []
}
