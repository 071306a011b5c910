// VLANs of the ports of a bridge that filters by them: which pass, which is the port's own (pvid), which leave untagged.
// bridge(8), vlan. They travel in link messages of family AF_BRIDGE.
import { invalidArgument } from '../../kernel/errors.js'
import { type Message, NLM_F } from '../codec/message.js'
import { checkRef, type IndexOf, type LinkRef, type Operation, show } from '../operation.js'
import { type Request, request } from '../request.js'
import { RTEXT_FILTER } from '../tables/link.js'
import { BRIDGE_FLAGS, BRIDGE_VLAN_INFO } from '../tables/link-kinds.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import { AF } from './families.js'

/** VLANs of one port, or of a bridge itself, that follow each other and are treated alike. */
export type BridgeVlan = {
  /** The index of the port, or of the bridge. */
  readonly index: number
  /** The index of the bridge. */
  readonly master: number | undefined
  readonly vid: number
  /** The last of the range; `vid`, if it is one. */
  readonly end: number
  /** What comes in without a tag is of this VLAN. */
  readonly pvid: boolean
  /** It leaves without a tag. */
  readonly untagged: boolean
}

export type BridgeVlanAdd = {
  /** The port; the bridge, with `self`. */
  dev: LinkRef
  /** 1 to 4094. */
  vid: number
  /** The last of a range that begins with `vid`. */
  end?: number
  /** Only one VLAN of a port can be that, so no range. */
  pvid?: boolean
  untagged?: boolean
  /** Of the link itself, as of a bridge, rather than of it as a port of its master. */
  self?: boolean
}

export type BridgeVlanDelete = Pick<BridgeVlanAdd, 'dev' | 'vid' | 'end' | 'self'>

const shape = SHAPES.bridgeLink
const { PVID, UNTAGGED, RANGE_BEGIN, RANGE_END } = BRIDGE_VLAN_INFO
const VID_MAX = 4094

const NEXT = {
  ENOTSUP:
    'the link must be a port of a bridge, or be one itself (self), and the kernel have CONFIG_BRIDGE_VLAN_FILTERING',
}

/** RTM_SETLINK. There is no EEXIST: a VLAN that is there takes on what is asked for. */
export function addBridgeVlan(options: BridgeVlanAdd): Operation {
  return change('SETLINK', check(options, 'add'))
}

/** RTM_DELLINK. VLANs that are not there are no error to the kernel, nor here. */
export function deleteBridgeVlan(options: BridgeVlanDelete): Operation {
  return change('DELLINK', check(options, 'delete'))
}

/** All ports of all bridges, and the bridges themselves. */
export function dumpBridgeVlans(): Operation<BridgeVlan[]> {
  const asked = 'list the VLANs of bridges'
  const header = { ifi_family: AF.bridge }
  const attributes = { IFLA_EXT_MASK: RTEXT_FILTER.BRVLAN_COMPRESSED }
  const build = () => request({ type: 'GETLINK', flags: NLM_F.DUMP, shape, header, attributes, asked })
  return { asked, needs: [], touches: [], build, read: readBridgeVlans }
}

/** Of one link: a range comes as two entries, its beginning and its end. */
export function readBridgeVlans(message: Message, bytes: Buffer): BridgeVlan[] | undefined {
  if (message.type !== RTM.NEWLINK || bytes[message.start] !== AF.bridge) return undefined
  const { header, attributes: a } = decodeAs(shape, bytes, message.start, message.end)
  const vlans: BridgeVlan[] = []
  let begin: number | undefined
  for (const { flags, vid } of a.IFLA_AF_SPEC?.IFLA_BRIDGE_VLAN_INFO ?? []) {
    if (flags & RANGE_BEGIN) {
      begin = vid
      continue
    }
    vlans.push({
      index: header.ifi_index,
      master: a.IFLA_MASTER,
      vid: flags & RANGE_END ? (begin ?? vid) : vid,
      end: vid,
      pvid: (flags & PVID) !== 0,
      untagged: (flags & UNTAGGED) !== 0,
    })
    begin = undefined
  }
  return vlans
}

type Checked = Required<BridgeVlanAdd> & { asked: string }

function check(options: BridgeVlanAdd, verb: string): Checked {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'must be an object', options)
  const { dev, vid, end = vid, pvid = false, untagged = false, self = false } = options
  checkRef(dev, 'dev')
  if (!isVid(vid)) throw invalidArgument('vid', `must be a whole number from 1 to ${VID_MAX}`, vid)
  if (!isVid(end) || end < vid) throw invalidArgument('end', `must be a whole number from vid to ${VID_MAX}`, end)
  for (const [label, value] of Object.entries({ pvid, untagged, self })) {
    if (typeof value !== 'boolean') throw invalidArgument(label, 'must be true or false', value)
  }
  if (pvid && end !== vid) throw invalidArgument('pvid', 'must be left out of a range: a port has one', pvid)
  const what = end === vid ? `VLAN ${vid}` : `VLANs ${vid} to ${end}`
  return { dev, vid, end, pvid, untagged, self, asked: `${verb} the ${what} of the link ${show(dev)}` }
}

function isVid(vid: unknown): vid is number {
  return Number.isInteger(vid) && (vid as number) >= 1 && (vid as number) <= VID_MAX
}

function change(type: 'SETLINK' | 'DELLINK', vlan: Checked): Operation {
  const { dev, asked } = vlan
  const build = (indexOf: IndexOf) => requestFor(type, vlan, indexOf(dev))
  build(() => 1) // everything that can be wrong is said now
  return {
    asked,
    needs: [dev],
    touches: [],
    build,
    undoFrom: {
      ref: dev,
      look: dumpBridgeVlans(),
      operation: (before, indexOf) => setBack(before.flat(), vlan, indexOf(dev)),
    },
  }
}

function requestFor(type: 'SETLINK' | 'DELLINK', vlan: Checked, index: number): Request {
  const { vid, end, pvid, untagged, self, asked } = vlan
  const flags = (pvid ? PVID : 0) | (untagged ? UNTAGGED : 0)
  const range = [
    { flags: flags | RANGE_BEGIN, vid },
    { flags: flags | RANGE_END, vid: end },
  ]
  return request({
    type,
    shape,
    header: { ifi_family: AF.bridge, ifi_index: index },
    attributes: {
      IFLA_AF_SPEC: {
        IFLA_BRIDGE_FLAGS: self ? BRIDGE_FLAGS.SELF : BRIDGE_FLAGS.MASTER,
        IFLA_BRIDGE_VLAN_INFO: end === vid ? [{ flags, vid }] : range,
      },
    },
    asked,
    next: NEXT,
  })
}

/** What was there of the range before, and the pvid of the port, which another may have taken over. */
function setBack(before: BridgeVlan[], vlan: Checked, index: number): Operation {
  const { vid, end, self, dev, asked } = vlan
  const undoing = `undo: ${asked}`
  const own = before.filter((each) => each.index === index)
  const within = own
    .filter((each) => each.vid <= end && each.end >= vid)
    .map((each) => ({ ...each, vid: Math.max(each.vid, vid), end: Math.min(each.end, end) }))
  const pvid = own.filter((each) => each.pvid && !within.some((inside) => inside.pvid))
  const build = () => [
    requestFor('DELLINK', { ...vlan, asked: undoing }, index),
    ...[...within, ...pvid].map((each) => requestFor('SETLINK', { ...each, self, dev, asked: undoing }, index)),
  ]
  return { asked: undoing, needs: [], touches: [], build }
}
