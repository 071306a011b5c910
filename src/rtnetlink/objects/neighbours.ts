// Neighbours: who is at which hardware address, and a bridge's or vxlan's forwarding entries. ip-neighbour(8), bridge(8).
import { invalidArgument } from '../../kernel/errors.js'
import { type Family, familyOf } from '../codec/ip.js'
import { type Message, NLM_F } from '../codec/message.js'
import { bitsOf, flagsOf, numberOf } from '../codec/names.js'
import type { Attributes } from '../codec/table.js'
import { checkRef, type IndexOf, type LinkRef, type Operation, show } from '../operation.js'
import { request } from '../request.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import { type NEIGHBOUR, NTF, NUD } from '../tables/neighbour.js'
import { AF, familyNumber } from './families.js'

export type Neighbour = {
  readonly index: number
  readonly family: Family | 'bridge'
  readonly to: string | undefined
  readonly mac: string | undefined
  readonly state: (keyof typeof NUD)[]
  readonly flags: (keyof typeof NTF)[]
  readonly vlan: number | undefined
  /** How often it was asked and did not answer. */
  readonly probes: number | undefined
  readonly master: number | undefined
  readonly attributes: Attributes<typeof NEIGHBOUR.rows>
}

export type NeighbourAdd = {
  dev: LinkRef
  /** An internet address; of a forwarding entry of a vxlan, the far tunnel end. */
  to?: string
  mac?: string
  /** permanent, if not given. */
  state?: keyof typeof NUD
  flags?: (keyof typeof NTF)[]
  vlan?: number
  /** 'bridge' for a forwarding entry; else it follows from `to`. */
  family?: 'bridge'
}

const shape = SHAPES.neighbour

export function readNeighbour(message: Message, bytes: Buffer): Neighbour | undefined {
  if (message.type !== RTM.NEWNEIGH && message.type !== RTM.DELNEIGH) return undefined
  const { header, attributes: a } = decodeAs(shape, bytes, message.start, message.end)
  return {
    index: header.ndm_ifindex,
    family: header.ndm_family === AF.bridge ? 'bridge' : header.ndm_family === AF.inet6 ? 6 : 4,
    to: a.NDA_DST,
    mac: a.NDA_LLADDR,
    state: flagsOf(NUD, header.ndm_state),
    flags: flagsOf(NTF, header.ndm_flags),
    vlan: a.NDA_VLAN,
    probes: a.NDA_PROBES,
    master: a.NDA_MASTER,
    attributes: a,
  }
}

export function addNeighbour(options: NeighbourAdd, replace = false): Operation {
  const how = replace ? NLM_F.REPLACE : NLM_F.EXCL
  const made = operation('NEWNEIGH', NLM_F.CREATE | how, replace ? 'set' : 'add', options)
  return { ...made, undo: replace ? undefined : deleteNeighbour(options) }
}

export function deleteNeighbour(options: NeighbourAdd): Operation {
  return operation('DELNEIGH', 0, 'delete', options)
}

/** @param family 4, 6, 'bridge' for forwarding entries; 4 and 6, if not given */
export function dumpNeighbours(family?: Family | 'bridge'): Operation<Neighbour> {
  const asked = 'list the neighbours'
  const number = family === undefined ? AF.unspec : family === 'bridge' ? AF.bridge : familyNumber(family)
  const build = () => request({ type: 'GETNEIGH', flags: NLM_F.DUMP, shape, header: { ndm_family: number }, asked })
  return { asked, needs: [], touches: [], build, read: readNeighbour }
}

function operation(type: 'NEWNEIGH' | 'DELNEIGH', flags: number, verb: string, options: NeighbourAdd): Operation {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'must be an object', options)
  const { dev, to, mac, state = 'permanent', flags: names = [], vlan, family } = options
  checkRef(dev, 'dev')
  if (to === undefined && family !== 'bridge') throw invalidArgument('to', 'must be an internet address', to)
  const asked = `${verb} the neighbour ${to ?? mac} on the link ${show(dev)}`
  const header = {
    ndm_family: family === 'bridge' ? AF.bridge : familyNumber(familyOf(to, 'to')),
    ndm_state: type === 'NEWNEIGH' ? numberOf(NUD, state, 'state', 0) : 0,
    ndm_flags: bitsOf(NTF, names, 'flags'),
  }
  const attributes = { NDA_DST: to, NDA_LLADDR: mac, NDA_VLAN: vlan }
  const build = (indexOf: IndexOf) =>
    request({ type, flags, shape, header: { ...header, ndm_ifindex: indexOf(dev) }, attributes, asked })
  build(() => 1) // everything that can be wrong is said now
  return { asked, needs: [dev], touches: [], build }
}
