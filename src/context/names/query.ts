// One question to the servers of a namespace: who is asked, how often, what their replies amount to, what is remembered.
import type { NameSpace } from './config.js'
import type { QueryCode } from './errors.js'
import { exchange } from './exchange.js'
import { type Answer, encodeQuery, type Reply, type ResourceRecord, sameName } from './message.js'
import type { QueryType } from './records.js'
import type { ResolvConf } from './resolv-conf.js'
import type { DnsServer, QueryOptions } from './source.js'

/** An answer, and for how many seconds it has been in the cache. */
export type Aged = { readonly answer: Answer; readonly age: number }

const MAX_CNAMES = 16
/** About this server only: another may know better. NXDOMAIN and "no such records" are about the name. */
const TRY_NEXT = new Set<QueryCode>(['EFORMERR', 'ESERVFAIL', 'ENOTIMP', 'EREFUSED'])

/** Asks for the records of a name that domainName() gave. */
export async function ask(space: NameSpace, name: string, type: QueryType, options: QueryOptions = {}): Promise<Aged> {
  const conf = space.resolvConf
  const servers = options.servers ?? conf.servers
  const key = [type, name, ...servers.map(({ address, port }) => `${address} ${port}`)].join('\n')
  const cached = space.cache.get(key)
  if (cached !== undefined) return { answer: cached.value, age: cached.age }
  const work = () => askServers(inTurn(space, conf, servers), name, type, conf, options)
  // Somebody's own timeout, address or signal must not decide for everybody who asks at the same time.
  const isCommon = options.signal === undefined && options.timeout === undefined && options.tries === undefined
  const isShared = isCommon && options.localAddress4 === undefined && options.localAddress6 === undefined
  const answer = await (isShared ? space.cache.share(key, work) : work())
  space.cache.set(key, answer, answer.seconds)
  return { answer, age: 0 }
}

function inTurn(space: NameSpace, conf: ResolvConf, servers: readonly DnsServer[]): readonly DnsServer[] {
  if (!conf.rotate || servers.length < 2) return servers
  const first = space.turn++ % servers.length
  return [...servers.slice(first), ...servers.slice(0, first)]
}

async function askServers(
  servers: readonly DnsServer[],
  name: string,
  type: QueryType,
  conf: ResolvConf,
  options: QueryOptions,
): Promise<Answer> {
  let last: Answer = { failure: 'ECONNREFUSED', seconds: 0 }
  for (let attempt = 0; attempt < (options.tries ?? conf.attempts); attempt++) {
    for (const server of servers) {
      const answer = await askServer(server, name, type, conf, options)
      if (!('failure' in answer)) return answer
      if (answer.failure === 'ECANCELLED' || !isWorthAnother(answer.failure)) return answer
      last = answer
    }
  }
  return last
}

function isWorthAnother(failure: QueryCode): boolean {
  return failure !== 'ENOTFOUND' && failure !== 'ENODATA'
}

async function askServer(
  server: DnsServer,
  name: string,
  type: QueryType,
  conf: ResolvConf,
  options: QueryOptions,
): Promise<Answer> {
  const timeoutMs = options.timeout ?? conf.timeout * 1000
  const once = (edns0: boolean) => exchange(server, encodeQuery(name, type, edns0), timeoutMs, conf.tcp, options)
  let outcome = await once(conf.edns0)
  // RFC 6891 7: a server from before EDNS calls it a format error.
  if (conf.edns0 && 'failure' in outcome && outcome.failure === 'EFORMERR') outcome = await once(false)
  if ('unanswered' in outcome) return { failure: outcome.unanswered, cause: outcome.cause, seconds: 0 }
  return answerOf(outcome, name, type)
}

function answerOf(reply: Reply, name: string, type: QueryType): Answer {
  const { failure, answers, negativeTtl } = reply
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
