// Names inside a namespace: what answers for Node's dns module there. Everything is called, and goes on, inside it.
export { Cancellation } from './cancellation.js'
export { forgetNames } from './config.js'
export type { HostAddress } from './hosts.js'
export { type LookupOptions, lookup, lookupService } from './lookup.js'
export { type ResolveOptions, resolve, reverse } from './resolve.js'
export type { DnsServer, NameSource, QueryOptions } from './source.js'
