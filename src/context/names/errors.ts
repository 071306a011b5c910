// The errors of Node's dns module, field by field: a library that knows those must not notice that it is inside.

/** libuv's numbers of the EAI_ codes, <uv/errno.h>; Node calls EAI_NONAME and EAI_NODATA ENOTFOUND. */
const GETADDRINFO_ERRNO = { ENOTFOUND: -3008, EAI_AGAIN: -3001, EAI_FAIL: -3004 } as const

/** What Node's dns.lookup may fail with. */
export type LookupCode = keyof typeof GETADDRINFO_ERRNO

/** What a query to servers may fail with; c-ares' codes under Node's names. */
export type QueryCode =
  | 'ENODATA'
  | 'EFORMERR'
  | 'ESERVFAIL'
  | 'ENOTFOUND'
  | 'ENOTIMP'
  | 'EREFUSED'
  | 'EBADNAME'
  | 'EBADRESP'
  | 'ECONNREFUSED'
  | 'ETIMEOUT'
  | 'ECANCELLED'

export type DnsError = Error & { code: string; errno: number | undefined; syscall: string; hostname: string }

/** The error of dns.lookup and dns.lookupService: "getaddrinfo ENOTFOUND example". */
export function lookupError(code: LookupCode, hostname: string, syscall = 'getaddrinfo', cause?: unknown): DnsError {
  return dnsError(code, GETADDRINFO_ERRNO[code], syscall, hostname, cause)
}

/** The error of dns.resolve*: "queryA ENOTFOUND example". */
export function queryError(code: QueryCode, syscall: string, hostname: string, cause?: unknown): DnsError {
  return dnsError(code, undefined, syscall, hostname, cause)
}

export function dnsError(
  code: string,
  errno: number | undefined,
  syscall: string,
  hostname: string,
  cause?: unknown,
): DnsError {
  const error = new Error(`${syscall} ${code} ${hostname}`, cause === undefined ? undefined : { cause })
  return Object.assign(error, { errno, code, syscall, hostname })
}
