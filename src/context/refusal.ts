// The error for a connection of one namespace that would be used from another.
import { NsfdError } from '../kernel/errors.js'

/** @param what the beginning of the sentence: who would use which connection */
export function poolRefusal(what: string): NsfdError {
  const message = `${what} that was opened in another namespace than the one this call tree runs in: use one pool a namespace, ns.bind(pool), ns.agent() or ns.connector`
  return new NsfdError(message, { code: 'ERR_NSFD_POOL', kind: 'net' })
}
