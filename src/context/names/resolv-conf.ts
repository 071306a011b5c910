// resolv.conf(5): which servers to ask, and how. Lines it does not know are passed over, as the C library does.
import { isIPv4, isIPv6 } from 'node:net'
import type { DnsServer } from './source.js'

export type ResolvConf = {
  readonly servers: readonly DnsServer[]
  readonly search: readonly string[]
  readonly ndots: number
  /** Seconds to wait for one answer. */
  readonly timeout: number
  /** How often all servers are asked. */
  readonly attempts: number
  readonly rotate: boolean
  readonly edns0: boolean
  /** Ask over TCP only ("use-vc"). */
  readonly tcp: boolean
}

type Draft = { -readonly [K in keyof ResolvConf]: ResolvConf[K] }

/** <resolv.h>: MAXNS, RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY. */
const MAXNS = 3
const RES_MAXNDOTS = 15
const RES_MAXRETRANS = 30
const RES_MAXRETRY = 5
/** The C library has no limit since 2.26; every one of these may cost a query for every name. */
const MAX_SEARCH = 32
const DNS_PORT = 53

const KEYWORDS: Record<string, (conf: Draft, words: string[]) => void> = {
  nameserver(conf, [address = '']) {
    if (conf.servers.length < MAXNS && isServerAddress(address)) {
      conf.servers = [...conf.servers, { address, port: DNS_PORT }]
    }
  },
  // The last of these lines counts, whichever it is.
  domain(conf, words) {
    conf.search = searchList(words.slice(0, 1))
  },
  search(conf, words) {
    conf.search = searchList(words)
  },
  options(conf, words) {
    for (const word of words) {
      const [name = '', value = ''] = word.split(':', 2)
      if (Object.hasOwn(OPTIONS, name)) OPTIONS[name]?.(conf, value)
    }
  },
}

const OPTIONS: Record<string, (conf: Draft, value: string) => void> = {
  ndots: (conf, value) => {
    conf.ndots = bounded(value, 0, RES_MAXNDOTS, conf.ndots)
  },
  timeout: (conf, value) => {
    conf.timeout = bounded(value, 1, RES_MAXRETRANS, conf.timeout)
  },
  attempts: (conf, value) => {
    conf.attempts = bounded(value, 1, RES_MAXRETRY, conf.attempts)
  },
  rotate: (conf) => {
    conf.rotate = true
  },
  edns0: (conf) => {
    conf.edns0 = true
  },
  'use-vc': (conf) => {
    conf.tcp = true
  },
}

/** Reads a resolv.conf; never throws. Without a nameserver it is the local machine's, as resolv.conf(5) says. */
export function parseResolvConf(text: string): ResolvConf {
  const conf: Draft = {
    servers: [],
    search: [],
    ndots: 1,
    timeout: 5,
    attempts: 2,
    rotate: false,
    edns0: false,
    tcp: false,
  }
  for (const line of text.split('\n')) {
    const [keyword = '', ...words] = wordsOf(line)
    if (Object.hasOwn(KEYWORDS, keyword)) KEYWORDS[keyword]?.(conf, words)
  }
  if (conf.servers.length === 0) conf.servers = [{ address: '127.0.0.1', port: DNS_PORT }]
  return conf
}

// The keyword starts the line, or the line is none; a comment starts a line, by ; or #, and here a word as well.
function wordsOf(line: string): string[] {
  if (/^[ \t]/.test(line)) return []
  const words = line.split(/[ \t\r\f\v\0]+/).filter((word) => word !== '')
  const comment = words.findIndex((word) => word.startsWith('#') || word.startsWith(';'))
  return comment === -1 ? words : words.slice(0, comment)
}

function isServerAddress(word: string): boolean {
  return isIPv4(word) || isIPv6(word)
}

/** Domains without their final dot; '' stands for the root, which `search .` asks for. */
function searchList(words: string[]): string[] {
  return words.slice(0, MAX_SEARCH).map((word) => word.replace(/\.$/, '').toLowerCase())
}

function bounded(value: string, least: number, most: number, otherwise: number): number {
  const number = /^\d{1,9}/.exec(value)
  return number === null ? otherwise : Math.min(Math.max(Number(number[0]), least), most)
}
