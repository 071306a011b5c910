// One question to the servers of a namespace: who is asked, how often, what their replies amount to, what is remembered.
import { currentStore } from '../storage.js'
import type { NameSpace } from './config.js'
import type { Datagrams } from './datagrams.js'
import type { QueryCode } from './errors.js'
import { exchange, type Outcome } from './exchange.js'
import { type Answer, encodeQuery, type ResourceRecord, sameName } from './message.js'
import type { QueryType } from './records.js'
import type { ResolvConf } from './resolv-conf.js'
import type { Pursuit } from './shared.js'
import type { DnsServer, QueryOptions } from './source.js'

/** An answer, and for how many seconds it has been in the cache. */
export type Aged = { readonly answer: Answer; readonly age: number }

const MAX_CNAMES = 16
/** About this server only: another may know better. NXDOMAIN and "no such records" are about the name. */
const TRY_NEXT = new Set<QueryCode>(['EFORMERR', 'ESERVFAIL', 'ENOTIMP', 'EREFUSED'])

const CANCELLED: Answer = { failure: 'ECANCELLED', seconds: 0 }

/** Asks for the records of a name that domainName() gave. */
export function ask(space: NameSpace, name: string, type: QueryType, options: QueryOptions = {}): Aged | Promise<Aged> {
  const conf = space.resolvConf
  const servers = options.servers ?? conf.servers
  const key = `${type}\n${name}\n${serversKey(servers)}`
  const cached = space.cache.get(key)
  if (cached !== undefined) return { answer: cached.value, age: cached.age }
  const { underway, datagrams } = space.sharedBy(currentStore().net)
  const { timeout, tries, localAddress4, localAddress6, cancellation } = options
  // Somebody's own timeout or address does not decide for others who ask at the same time.
  const own = timeout ?? tries ?? localAddress4 ?? localAddress6
  const shareKey = own === undefined ? key : [key, timeout, tries, localAddress4, localAddress6].join('\n')
  const remember = (answer: Answer): Aged => {
    space.cache.set(key, answer, answer.seconds)
    return { answer, age: 0 }
  }
  const work = (pursuit: Pursuit) =>
    askServers(inTurn(space, conf, servers), { name, type, conf, options, pursuit, datagrams, remember })
  return underway.join(shareKey, work, cancellation, { answer: CANCELLED, age: 0 })
}

function serversKey(servers: readonly DnsServer[]): string {
  const known = serversKeys.get(servers)
  if (known !== undefined) return known
  const key = servers.map(({ address, port }) => `${address} ${port}`).join('\n')
  serversKeys.set(servers, key)
  return key
}
/** A list of servers is never written to; a configuration that is read again has another. */
const serversKeys = new WeakMap<readonly DnsServer[], string>()

function inTurn(space: NameSpace, conf: ResolvConf, servers: readonly DnsServer[]): readonly DnsServer[] {
  if (!conf.rotate || servers.length < 2) return servers
  const first = space.turn++ % servers.length
  return [...servers.slice(first), ...servers.slice(0, first)]
}

type Question = {
  readonly name: string
  readonly type: QueryType
  readonly conf: ResolvConf
  readonly options: QueryOptions
  readonly pursuit: Pursuit
  readonly datagrams: Datagrams
  remember(answer: Answer): Aged
}

async function askServers(servers: readonly DnsServer[], question: Question): Promise<Aged> {
  const { name, type, conf, options, pursuit, datagrams, remember } = question
  const timeoutMs = options.timeout ?? conf.timeout * 1000
  const way = { datagrams, timeoutMs, tcp: conf.tcp, options, pursuit }
  const once = (server: DnsServer, edns0: boolean) => exchange(server, (id) => encodeQuery(id, name, type, edns0), way)
  let last: Answer = { failure: 'ECONNREFUSED', seconds: 0 }
  for (let attempt = 0; attempt < (options.tries ?? conf.attempts); attempt++) {
    for (const server of servers) {
      let outcome = await once(server, conf.edns0)
      // RFC 6891 7: a server from before EDNS calls it a format error.
      if (conf.edns0 && 'failure' in outcome && outcome.failure === 'EFORMERR') outcome = await once(server, false)
      const answer = answerOf(outcome, name, type)
      if (!('failure' in answer) || !isWorthAnother(answer.failure)) return remember(answer)
      last = answer
    }
  }
  return remember(last)
}

const FINAL = new Set<QueryCode>(['ENOTFOUND', 'ENODATA', 'ECANCELLED'])

function isWorthAnother(failure: QueryCode): boolean {
  return !FINAL.has(failure)
}

function answerOf(outcome: Outcome, name: string, type: QueryType): Answer {
  if ('unanswered' in outcome) return { failure: outcome.unanswered, cause: outcome.cause, seconds: 0 }
  const { failure, answers, negativeTtl } = outcome
  if (failure !== undefined) return { failure, seconds: TRY_NEXT.has(failure) ? 0 : negativeTtl }
  const found = type === 'ANY' ? everythingOf(answers, name) : followed(answers, name, type)
  if (found.records.length > 0) return found
  // An alias of nothing is a success without records: c-ares', and so Node's, way to say it.
  if (found.canonicalName !== name) return { ...found, seconds: negativeTtl }
  return { failure: 'ENODATA', seconds: negativeTtl }
}

function everythingOf(answers: readonly ResourceRecord[], name: string) {
  const records = answers.filter((record) => sameName(record.name, name))
  return { records, canonicalName: name, seconds: shortest(records) }
}

// Only what is said about the name itself, or about what it is an alias of: a reply may carry anything else besides.
function followed(answers: readonly ResourceRecord[], name: string, type: QueryType) {
  const aliases: ResourceRecord[] = []
  let canonicalName = name
  if (type !== 'CNAME') {
    while (aliases.length < MAX_CNAMES) {
      const alias = answers.find((record) => record.type === 'CNAME' && sameName(record.name, canonicalName))
      if (alias === undefined) break
      aliases.push(alias)
      canonicalName = alias.data as string
    }
  }
  const records = answers.filter((record) => record.type === type && sameName(record.name, canonicalName))
  const limit = shortest(aliases)
  const bounded = records.map((record) => ({ ...record, ttl: Math.min(record.ttl, limit) }))
  return { records: bounded, canonicalName, seconds: shortest(bounded) }
}

function shortest(records: readonly ResourceRecord[]): number {
  return records.reduce((least, { ttl }) => Math.min(least, ttl), Number.POSITIVE_INFINITY)
}
