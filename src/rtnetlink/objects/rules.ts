// Rules of policy routing: which table answers for which packets. ip-rule(8).
import { invalidArgument } from '../../kernel/errors.js'
import { type Family, parseNetwork } from '../codec/ip.js'
import { type Message, NLM_F } from '../codec/message.js'
import { nameOf, numberOf } from '../codec/names.js'
import type { Attributes } from '../codec/table.js'
import { checkLinkName, type Operation } from '../operation.js'
import { request } from '../request.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import { RT_TABLE, RTPROT } from '../tables/route.js'
import { FIB_RULE_INVERT, FR_ACT, type RULE } from '../tables/rule.js'
import { familyNumber, familyOfNumber } from './families.js'

type Range = { start: number; end: number }
type Values = Attributes<typeof RULE.rows>

export type Rule = {
  readonly family: Family
  readonly priority: number
  readonly action: keyof typeof FR_ACT | number
  readonly table: number
  /** 'all', or a network. */
  readonly from: string
  readonly to: string
  readonly invert: boolean
  readonly tos: number
  readonly iif: string | undefined
  readonly oif: string | undefined
  readonly mark: number | undefined
  readonly mask: number | undefined
  readonly goto: number | undefined
  readonly l3mdev: boolean
  readonly uidRange: Range | undefined
  readonly ipProtocol: number | undefined
  readonly sourcePort: Range | undefined
  readonly destinationPort: Range | undefined
  readonly protocol: keyof typeof RTPROT | number
  readonly suppressPrefixLength: number | undefined
  readonly suppressGroup: number | undefined
  readonly attributes: Values
}

export type RuleAdd = {
  /** 4, if neither `from` nor `to` says. */
  family?: Family
  priority?: number
  action?: keyof typeof FR_ACT | number
  table?: keyof typeof RT_TABLE | number
  from?: string
  to?: string
  /** Packets that do not match. */
  invert?: boolean
  tos?: number
  iif?: string
  oif?: string
  mark?: number
  mask?: number
  goto?: number
  l3mdev?: boolean
  uidRange?: Range
  ipProtocol?: number
  sourcePort?: Range | number
  destinationPort?: Range | number
  suppressPrefixLength?: number
  /** Routes by links of this group do not count. */
  suppressGroup?: number
}

const shape = SHAPES.rule
/** FRA_SUPPRESS_… of a rule that suppresses nothing. */
const NONE = 0xffffffff

export function readRule(message: Message, bytes: Buffer): Rule | undefined {
  if (message.type !== RTM.NEWRULE && message.type !== RTM.DELRULE) return undefined
  const { header, attributes: a } = decodeAs(shape, bytes, message.start, message.end)
  const family = familyOfNumber(header.family)
  if (family === undefined) return undefined
  const prefix = (address: string | undefined, length: number) =>
    address === undefined ? 'all' : `${address}/${length}`
  return {
    family,
    priority: a.FRA_PRIORITY ?? 0,
    action: nameOf(FR_ACT, header.action),
    table: a.FRA_TABLE ?? header.table,
    from: prefix(a.FRA_SRC, header.src_len),
    to: prefix(a.FRA_DST, header.dst_len),
    invert: (header.flags & FIB_RULE_INVERT) !== 0,
    tos: header.tos,
    iif: a.FRA_IIFNAME,
    oif: a.FRA_OIFNAME,
    mark: a.FRA_FWMARK,
    mask: a.FRA_FWMASK,
    goto: a.FRA_GOTO,
    l3mdev: a.FRA_L3MDEV === 1,
    uidRange: a.FRA_UID_RANGE,
    ipProtocol: a.FRA_IP_PROTO,
    sourcePort: a.FRA_SPORT_RANGE,
    destinationPort: a.FRA_DPORT_RANGE,
    protocol: nameOf(RTPROT, a.FRA_PROTOCOL ?? 0),
    suppressPrefixLength: a.FRA_SUPPRESS_PREFIXLEN === NONE ? undefined : a.FRA_SUPPRESS_PREFIXLEN,
    suppressGroup: a.FRA_SUPPRESS_IFGROUP === NONE ? undefined : a.FRA_SUPPRESS_IFGROUP,
    attributes: a,
  }
}

export function addRule(options: RuleAdd): Operation {
  return { ...operation('NEWRULE', NLM_F.CREATE | NLM_F.EXCL, 'add', options), undo: deleteRule(options) }
}

export function deleteRule(options: RuleAdd): Operation {
  return operation('DELRULE', 0, 'delete', options)
}

export function dumpRules(family?: Family): Operation<Rule> {
  const asked = 'list the rules'
  const header = { family: family === undefined ? 0 : familyNumber(family) }
  const build = () => request({ type: 'GETRULE', flags: NLM_F.DUMP, shape, header, asked })
  return { asked, needs: [], touches: [], build, read: readRule }
}

function operation(type: 'NEWRULE' | 'DELRULE', flags: number, verb: string, options: RuleAdd): Operation {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'must be an object', options)
  const from = network(options.from, 'from')
  const to = network(options.to, 'to')
  const family = options.family ?? from?.family ?? to?.family ?? 4
  for (const [label, prefix] of Object.entries({ from, to })) {
    if (prefix && prefix.family !== family)
      throw invalidArgument(label, `must be of IPv${family} like the rest`, options)
  }
  const table = options.table === undefined ? undefined : numberOf(RT_TABLE, options.table, 'table', 0xffffffff)
  const action = numberOf(FR_ACT, options.action ?? (options.goto === undefined ? 'to_table' : 'goto'), 'action')
  const asked = `${verb} the rule with priority ${options.priority ?? '(any)'}`
  const header = {
    family: familyNumber(family),
    dst_len: to?.length ?? 0,
    src_len: from?.length ?? 0,
    tos: options.tos ?? 0,
    table: table !== undefined && table < 256 ? table : 0,
    action,
    flags: options.invert ? FIB_RULE_INVERT : 0,
  }
  const defined = { FRA_TABLE: table ?? (action === FR_ACT.to_table && !options.l3mdev ? RT_TABLE.main : undefined) }
  const attributes: Values = Object.assign(defined, {
    FRA_PRIORITY: options.priority,
    FRA_SRC: from?.address,
    FRA_DST: to?.address,
    FRA_IIFNAME: options.iif === undefined ? undefined : checkLinkName(options.iif, 'iif'),
    FRA_OIFNAME: options.oif === undefined ? undefined : checkLinkName(options.oif, 'oif'),
    FRA_FWMARK: options.mark,
    FRA_FWMASK: options.mask,
    FRA_GOTO: options.goto,
    FRA_L3MDEV: options.l3mdev ? 1 : undefined,
    FRA_UID_RANGE: options.uidRange,
    FRA_IP_PROTO: options.ipProtocol,
    FRA_SPORT_RANGE: range(options.sourcePort),
    FRA_DPORT_RANGE: range(options.destinationPort),
    FRA_SUPPRESS_PREFIXLEN: options.suppressPrefixLength,
    FRA_SUPPRESS_IFGROUP: options.suppressGroup,
  }) as Values
  const build = () => request({ type, flags, shape, header, attributes, asked })
  build() // everything that can be wrong is said now
  return { asked, needs: [], touches: [], build }
}

function network(text: string | undefined, label: string) {
  return text === undefined || text === 'all' ? undefined : parseNetwork(text, label)
}

function range(value: Range | number | undefined): Range | undefined {
  return typeof value === 'number' ? { start: value, end: value } : value
}
