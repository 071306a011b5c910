// What the kernel refused, in its own words, with the attribute at fault by its name.
import { getSystemErrorMap } from 'node:util'
import { NsfdError } from '../kernel/errors.js'
import { type Acknowledgement, NLMSG_HDRLEN } from './codec/message.js'
import type { Request } from './request.js'
import { messageName } from './tables/messages.js'

/** The kernel refused a request. `code` is the errno's name ('EEXIST'), `syscall` is 'netlink'. */
export class RouteError extends NsfdError {
  /** The kernel's own sentence (NLMSGERR_ATTR_MSG), where it has one. */
  readonly kernelMessage: string | undefined
  /** The attribute at fault (NLMSGERR_ATTR_OFFS), with those it is nested in: 'IFLA_LINKINFO.IFLA_INFO_KIND'. */
  readonly attribute: string | undefined
  /** The message that was refused: 'RTM_NEWLINK'. */
  readonly request: string

  constructor(message: string, code: string, errno: number, request: string, said?: string, attribute?: string) {
    super(message, { code, errno: -errno, syscall: 'netlink' })
    this.name = 'RouteError'
    this.kernelMessage = said
    this.attribute = attribute
    this.request = request
  }
}

const NEXT: Partial<Record<string, string>> = {
  EPERM: 'it needs CAP_NET_ADMIN over the namespace: run as root, or in a user namespace of your own',
  ENODEV: 'no link has that name or index in this namespace',
}

/** The error for a refusal. */
export function refused(request: Request, said: Acknowledgement): RouteError {
  const [code, reason] = getSystemErrorMap().get(-said.errno) ?? [`E${said.errno}`, `errno ${said.errno}`]
  const attribute = attributeAtFault(request, said)
  const parts = [
    `${code}: ${reason}, netlink: cannot ${request.asked}`,
    said.message && `the kernel says: ${said.message}`,
    attribute && `at ${attribute}`,
    request.next?.[code] ?? NEXT[code],
  ]
  const message = parts.filter(Boolean).join('; ')
  return new RouteError(message, code, said.errno, messageName(request.type), said.message, attribute)
}

function attributeAtFault(request: Request, said: Acknowledgement): string | undefined {
  const { bytes, shape } = request
  const start = NLMSG_HDRLEN + ((shape.header.size + 3) & ~3)
  const at = (offset: number) => shape.attributes.locate(bytes, start, bytes.length, offset)
  if (said.missing !== undefined) {
    const missing = `attribute ${said.missing}`
    const inside = said.missingIn === undefined ? undefined : at(said.missingIn)
    if (inside !== undefined) return `${inside} (${missing} is missing in it)`
    const row = Object.entries(shape.attributes.rows).find(([, [number]]) => number === said.missing)
    return `${row?.[0] ?? missing} (it is missing)`
  }
  if (said.offset === undefined) return undefined
  return said.offset < start ? shape.header.name : at(said.offset)
}
