// Where a namespace's names come from: which files, and which other things a resolver has to know about the namespace.
import type { networkInterfaces } from 'node:os'
import type { Cancellation } from './cancellation.js'

/** One DNS server: an IP literal (an IPv6 one may carry %scope) and its port, 53 in every resolv.conf. */
export type DnsServer = { readonly address: string; readonly port: number }

/** What the resolver knows of one namespace. */
export type NameSource = {
  /** The namespace's identity. Caches are kept apart by it: never the same string for two namespaces. */
  readonly id: string
  /** The name of a pinned namespace: /etc/netns/<name>/ is read, file by file, before home's /etc. */
  readonly name?: string | undefined
  /** A descriptor of a container's root directory: its own /etc is read, and none of ours. The caller keeps it open. */
  readonly rootFd?: number | undefined
  /** Servers to ask instead of those of resolv.conf. */
  readonly servers?: readonly DnsServer[] | undefined
  /** The namespace's interfaces, for the ADDRCONFIG hint; os.networkInterfaces where not given. */
  readonly networkInterfaces?: typeof networkInterfaces | undefined
}

/** How a query may differ from what resolv.conf says; what Node's dns.Resolver lets its users set. */
export type QueryOptions = {
  /** Instead of the servers of the source. */
  servers?: readonly DnsServer[] | undefined
  /** Milliseconds to wait for one answer. */
  timeout?: number | undefined
  /** How often every server is asked. */
  tries?: number | undefined
  /** The local address queries to IPv4 servers leave from. */
  localAddress4?: string | undefined
  /** The local address queries to IPv6 servers leave from. */
  localAddress6?: string | undefined
  /** Ends it with ECANCELLED. */
  cancellation?: Cancellation | undefined
}
