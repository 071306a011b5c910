// Next hops as objects of their own, which many routes share. ip-nexthop(8).
import { invalidArgument } from '../../kernel/errors.js'
import { type Family, familyOf } from '../codec/ip.js'
import { type Message, NLM_F } from '../codec/message.js'
import { flagsOf, nameOf, numberOf } from '../codec/names.js'
import type { Attributes } from '../codec/table.js'
import { checkRef, type IndexOf, type LinkRef, type Operation, refs } from '../operation.js'
import { request } from '../request.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import type { NEXTHOP } from '../tables/nexthop.js'
import { RT_SCOPE, RTNH_F, RTPROT } from '../tables/route.js'
import { AF, familyNumber } from './families.js'

export type NextHop = {
  readonly id: number
  readonly family: Family | undefined
  readonly via: string | undefined
  readonly index: number | undefined
  readonly blackhole: boolean
  /** Of a group: its members. */
  readonly group: { id: number; weight: number }[]
  readonly scope: keyof typeof RT_SCOPE | number
  readonly protocol: keyof typeof RTPROT | number
  readonly flags: (keyof typeof RTNH_F)[]
  readonly fdb: boolean
  readonly attributes: Attributes<typeof NEXTHOP.rows>
}

export type NextHopAdd = {
  id: number
  via?: string
  dev?: LinkRef
  blackhole?: boolean
  group?: { id: number; weight?: number }[]
  protocol?: keyof typeof RTPROT | number
  onlink?: boolean
  /** Of one without `via`; 4, if not given. */
  family?: Family
}

const shape = SHAPES.nexthop

export function readNextHop(message: Message, bytes: Buffer): NextHop | undefined {
  if (message.type !== RTM.NEWNEXTHOP && message.type !== RTM.DELNEXTHOP) return undefined
  const { header, attributes: a } = decodeAs(shape, bytes, message.start, message.end)
  return {
    id: a.NHA_ID ?? 0,
    family: header.nh_family === AF.unspec ? undefined : header.nh_family === AF.inet6 ? 6 : 4,
    via: a.NHA_GATEWAY,
    index: a.NHA_OIF,
    blackhole: a.NHA_BLACKHOLE === true,
    group: (a.NHA_GROUP ?? []).map(({ id, weight }) => ({ id, weight: weight + 1 })),
    scope: nameOf(RT_SCOPE, header.nh_scope),
    protocol: nameOf(RTPROT, header.nh_protocol),
    flags: flagsOf(RTNH_F, header.nh_flags),
    fdb: a.NHA_FDB === true,
    attributes: a,
  }
}

export function addNextHop(options: NextHopAdd, replace = false): Operation {
  const made = addition(options, NLM_F.CREATE | (replace ? NLM_F.REPLACE : NLM_F.EXCL), replace ? 'set' : 'add')
  return { ...made, undo: replace ? undefined : deleteNextHop(options.id) }
}

export function deleteNextHop(id: number): Operation {
  const asked = `delete the next hop ${checkId(id)}`
  const build = () => request({ type: 'DELNEXTHOP', shape, header: {}, attributes: { NHA_ID: id }, asked })
  return { asked, needs: [], touches: [], build }
}

export function dumpNextHops(): Operation<NextHop> {
  const asked = 'list the next hops'
  const build = () => request({ type: 'GETNEXTHOP', flags: NLM_F.DUMP, shape, header: {}, asked })
  return { asked, needs: [], touches: [], build, read: readNextHop }
}

function addition(options: NextHopAdd, flags: number, verb: string): Operation {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'must be an object', options)
  const { id, via, dev, blackhole, group, protocol = 'unspec', onlink } = options
  const asked = `${verb} the next hop ${checkId(id)}`
  const family = options.family ?? (via === undefined ? 4 : familyOf(via, 'via'))
  const header = {
    nh_family: group === undefined ? familyNumber(family) : AF.unspec,
    nh_protocol: numberOf(RTPROT, protocol, 'protocol'),
    nh_flags: onlink ? RTNH_F.onlink : 0,
  }
  const attributes = (indexOf: IndexOf) => ({
    NHA_ID: id,
    NHA_GROUP: group?.map(member),
    NHA_BLACKHOLE: blackhole ? (true as const) : undefined,
    NHA_OIF: dev === undefined ? undefined : indexOf(checkRef(dev, 'dev')),
    NHA_GATEWAY: via,
  })
  const build = (indexOf: IndexOf) =>
    request({ type: 'NEWNEXTHOP', flags, shape, header, attributes: attributes(indexOf), asked })
  build(() => 1) // everything that can be wrong is said now
  return { asked, needs: refs(dev), touches: [], build }
}

function member({ id, weight = 1 }: { id: number; weight?: number }) {
  if (Number.isInteger(weight) && weight >= 1 && weight <= 256)
    return { id: checkId(id), weight: weight - 1, weight_high: 0 }
  throw invalidArgument('group.weight', 'must be a whole number from 1 to 256', weight)
}

function checkId(id: unknown): number {
  if (Number.isInteger(id) && (id as number) > 0 && (id as number) <= 0xffffffff) return id as number
  throw invalidArgument('id', 'must be a whole number from 1', id)
}
