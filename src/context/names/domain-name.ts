// Domain names as text: what may go into a packet, and in which spelling.
import { domainToASCII } from 'node:url'

/** RFC 1035 2.3.4, without the final dot. */
const MAX_NAME = 253
const MAX_LABEL = 63
/** What c-ares refuses as well: spaces, control characters, and what would need an escape. */
const UNFIT = /[^\x21-\x7e]|[\\"():;@$,<>[\]^`{|}]/
/** Nearly every name there is, when it is short enough. */
const PLAIN = /^(?:[a-z\d_-]{1,63}\.)*[a-z\d_-]{1,63}$/
const NOT_ASCII = /[^\0-\x7f]/

/** A name as a query carries it: ASCII, lower case, without its final dot; undefined for what is no domain name. */
export function domainName(hostname: string): string | undefined {
  if (hostname.length <= MAX_NAME && PLAIN.test(hostname)) return hostname
  const ascii = (NOT_ASCII.test(hostname) ? domainToASCII(hostname) : hostname).toLowerCase()
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
  if (name.length === 0 || name.length > MAX_NAME || UNFIT.test(name)) return undefined
  return name.split('.').every((label) => label.length > 0 && label.length <= MAX_LABEL) ? name : undefined
}

/** RFC 6761 6.3: localhost and everything below it is this machine, whoever says otherwise. */
export function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost')
}

/** RFC 7686: names that must never be asked of a DNS server. */
export function isOnion(name: string): boolean {
  return name === 'onion' || name.endsWith('.onion')
}
