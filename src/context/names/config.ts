// A namespace's names as they are configured now: its parsed files, looked at again when a second has passed.
import { checkPinName } from '../../namespace/names.js'
import { Cache } from './cache.js'
import { Datagrams } from './datagrams.js'
import { ABSENT, type EtcFile, type FileText, readEtc } from './files.js'
import { type Hosts, parseHosts, parseServices } from './hosts.js'
import type { Answer } from './message.js'
import type { Aged } from './query.js'
import { parseResolvConf, type ResolvConf } from './resolv-conf.js'
import { Shared } from './shared.js'
import type { NameSource } from './source.js'

/** How long a file is believed to be unchanged. */
const RECHECK_MS = 1_000
/** Namespaces whose caches are kept; the longest unused goes first. */
const MAX_SPACES = 4_096

/** A file of /etc and what it says. */
class Parsed<T> {
  readonly #file: EtcFile
  readonly #parse: (text: string) => T
  #text: FileText = ABSENT
  #value: T
  #checkedAt = Number.NEGATIVE_INFINITY

  constructor(file: EtcFile, parse: (text: string) => T) {
    this.#file = file
    this.#parse = parse
    this.#value = parse(ABSENT.text)
  }

  read(source: NameSource): T {
    const now = performance.now()
    if (now - this.#checkedAt < RECHECK_MS) return this.#value
    const text = readEtc(source, this.#file, this.#text)
    if (text.stamp !== this.#text.stamp) this.#value = this.#parse(text.text)
    this.#text = text
    this.#checkedAt = now
    return this.#value
  }
}

type InUse = { readonly underway: Shared<Aged>; readonly datagrams: Datagrams }

/** What is remembered of one namespace. */
export class NameSpace {
  readonly source: NameSource
  readonly cache = new Cache<Answer>()
  readonly #shared = new WeakMap<object, InUse>()
  /** Which server is asked first, where resolv.conf says rotate. */
  turn = 0
  readonly #resolvConf = new Parsed<ResolvConf>('resolv.conf', parseResolvConf)
  readonly #hosts = new Parsed<Hosts>('hosts', parseHosts)
  readonly #services = new Parsed<ReadonlyMap<string, string>>('services', parseServices)

  constructor(source: NameSource) {
    if (source.name !== undefined) checkPinName(source.name)
    this.source = source
  }

  /** What is under way for one holder: a Namespace that is closed must not end what another of the same asks. */
  sharedBy(holder: object = this): InUse {
    const known = this.#shared.get(holder)
    if (known !== undefined) return known
    const inUse = { underway: new Shared<Aged>(), datagrams: new Datagrams() }
    this.#shared.set(holder, inUse)
    return inUse
  }

  get resolvConf(): ResolvConf {
    const conf = this.#resolvConf.read(this.source)
    return this.source.servers === undefined ? conf : { ...conf, servers: this.source.servers }
  }

  get hosts(): Hosts {
    return this.#hosts.read(this.source)
  }

  get services(): ReadonlyMap<string, string> {
    return this.#services.read(this.source)
  }
}

const spaces = new Map<string, NameSpace>()

/** What is remembered of the namespace a source belongs to. */
export function nameSpace(source: NameSource): NameSpace {
  if (latest?.source === source) return latest
  const known = spaces.get(source.id)
  const space = known !== undefined && sameFiles(known.source, source) ? known : new NameSpace(source)
  spaces.delete(source.id)
  spaces.set(source.id, space)
  const [longestUnused] = spaces.keys()
  if (spaces.size > MAX_SPACES && longestUnused !== undefined) spaces.delete(longestUnused)
  latest = space.source === source ? space : undefined
  return space
}
/** The one asked for last, which is the one asked for next. */
let latest: NameSpace | undefined

/** Forgets a namespace's files and answers: call it when the namespace is closed, or its identity might be given anew. */
export function forgetNames(id: string): void {
  spaces.delete(id)
  latest = undefined
}

function sameFiles(one: NameSource, other: NameSource): boolean {
  return one.name === other.name && one.rootFd === other.rootFd && one.servers === other.servers
}
