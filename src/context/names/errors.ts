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

/** An error that is not dns' own (a file that cannot be read, a Namespace closed) in dns' shape, with its text and cause. */
export function asDnsError(error: NodeJS.ErrnoException, syscall: string, hostname: string): Error {
  if ((error as Partial<DnsError>).hostname !== undefined) return error
  const { code = 'ESERVFAIL', errno, message } = error
  const dns = dnsError(code, errno, syscall, hostname, error)
  dns.message = `${dns.message}: ${message}`
  return dns
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
