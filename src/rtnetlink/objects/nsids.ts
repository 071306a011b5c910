// Ids by which this namespace knows others: what links of other namespaces are labelled with. ip-netns(8), set and list-id.
import { invalidArgument } from '../../kernel/errors.js'
import { wrongKind } from '../../namespace/identity.js'
import { Namespace } from '../../namespace/namespace.js'
import { type Message, NLM_F } from '../codec/message.js'
import type { Operation } from '../operation.js'
import { request } from '../request.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import { NSID_NOT_ASSIGNED } from '../tables/nsid.js'

const shape = SHAPES.nsid
const ID_CHARGE = 1024

/** The id in a message; -1 where the namespace has none. */
export function readNsid(message: Message, bytes: Buffer): number | undefined {
  if (message.type !== RTM.NEWNSID && message.type !== RTM.DELNSID) return undefined
  return decodeAs(shape, bytes, message.start, message.end).attributes.NETNSA_NSID ?? NSID_NOT_ASSIGNED
}

/** RTM_NEWNSID. @param id a number from 0; the kernel's choice, if not given */
export function setNsid(ns: Namespace, id?: number): Operation {
  const fd = checkNet(ns)
  if (id !== undefined && (!Number.isInteger(id) || id < 0 || id > 0x7fffffff)) {
    throw invalidArgument('id', 'must be a whole number from 0, or left out', id)
  }
  const asked = `give ${ns} the id ${id ?? '(any)'}`
  const build = () =>
    request({
      type: 'NEWNSID',
      shape,
      header: {},
      attributes: { NETNSA_FD: fd, NETNSA_NSID: id ?? NSID_NOT_ASSIGNED },
      asked,
      next: { EEXIST: 'it has an id already, or another namespace has that one; ids cannot be changed' },
    })
  return { asked, needs: [], touches: [], build, holds: [ns] }
}

/** RTM_GETNSID: the id this namespace knows another by. */
export function getNsid(ns: Namespace): Operation<number> {
  const fd = checkNet(ns)
  const asked = `find the id of ${ns}`
  const attributes = { NETNSA_FD: fd }
  const build = () => request({ type: 'GETNSID', shape, header: {}, attributes, asked, answers: ID_CHARGE })
  return { asked, needs: [], touches: [], build, read: readNsid, holds: [ns] }
}

export function dumpNsids(): Operation<number> {
  const asked = 'list the ids of namespaces'
  const build = () => request({ type: 'GETNSID', flags: NLM_F.DUMP, shape, header: {}, asked })
  return { asked, needs: [], touches: [], build, read: readNsid }
}

function checkNet(ns: Namespace): number {
  if (!(ns instanceof Namespace)) throw invalidArgument('ns', 'must be a Namespace', ns)
  if (ns.kind !== 'net') throw wrongKind(String(ns), 'net', ns.kind)
  return ns.fd
}
