// hosts(5) and services(5): names without a server.
import { isIPv4, isIPv6 } from 'node:net'
import { canonicalAddress, type Family } from './address.js'

export type HostAddress = { readonly address: string; readonly family: Family }

export type Hosts = {
  /** Addresses by name in lower case, in the order of the file. */
  readonly byName: ReadonlyMap<string, readonly HostAddress[]>
  /** Names by address in canonical form, in the order of the file and as written there. */
  readonly byAddress: ReadonlyMap<string, readonly string[]>
}

const MAX_NAME = 253

/** Reads a hosts file; never throws. A line that does not begin with an IP address is passed over. */
export function parseHosts(text: string): Hosts {
  const byName = new Map<string, HostAddress[]>()
  const byAddress = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [written = '', ...names] = wordsOf(line)
    const host = hostAddress(written)
    if (host === undefined) continue
    for (const name of names) {
      if (name.length > MAX_NAME + 1) continue
      addOnce(byName, nameKey(name), host, (known) => known.address === host.address)
      addOnce(byAddress, host.address, name, (known) => nameKey(known) === nameKey(name))
    }
  }
  return { byName, byAddress }
}

/** How a name is compared: without case and without its final dot. */
export function nameKey(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** Reads a services file: names by 'port/protocol'; never throws. The first name of a port counts. */
export function parseServices(text: string): ReadonlyMap<string, string> {
  const services = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [name, port = ''] = wordsOf(line)
    if (name !== undefined && /^\d{1,5}\/[a-z]+$/.test(port) && !services.has(port)) services.set(port, name)
  }
  return services
}

function wordsOf(line: string): string[] {
  const [before = ''] = line.split('#', 1)
  return before.split(/[ \t\r\f\v\0]+/).filter((word) => word !== '')
}

function hostAddress(written: string): HostAddress | undefined {
  if (isIPv4(written)) return { address: written, family: 4 }
  if (isIPv6(written)) return { address: canonicalAddress(written), family: 6 }
  return undefined
}

// Many lines may carry one name (a block list's 0.0.0.0 carries a hundred thousand): only short lists are searched.
function addOnce<T>(map: Map<string, T[]>, key: string, value: T, same: (known: T) => boolean): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else if (list.length < 64 && !list.some(same)) list.push(value)
}
