// tun and tap links: the one kind that rtnetlink cannot make. They come from /dev/net/tun, opened in the namespace.
import { constants } from 'node:fs'
import { invalidArgument, NsfdError, systemError } from '../../kernel/errors.js'
import { onPool } from '../../kernel/libc.js'
import { close, open } from '../../kernel/syscalls.js'
import type { Namespace } from '../../namespace/namespace.js'
import { visit } from '../../namespace/thread.js'
import { checkLinkName } from '../operation.js'

/** ioctls and flags of <linux/if_tun.h>. */
const TUNSETIFF = 0x400454ca
const TUNSETPERSIST = 0x400454cb
const TUNSETOWNER = 0x400454cc
const TUNSETGROUP = 0x400454ce
const IFF = { tun: 0x0001, tap: 0x0002, multiQueue: 0x0100, NO_PI: 0x1000, vnetHdr: 0x4000, TUN_EXCL: 0x8000 } as const
/** struct ifreq { char ifr_name[16]; short ifr_flags; … } */
const IFREQ = { size: 40, flags: 16 } as const

export type TunKind = 'tun' | 'tap'

export type TunOptions = {
  /** The uid, and the group, that may open it. */
  owner?: number
  group?: number
  pi?: boolean
  vnetHdr?: boolean
  multiQueue?: boolean
}

export function isTun(kind: unknown): kind is TunKind {
  return kind === 'tun' || kind === 'tap'
}

/** Makes a persistent tun or tap link. The ioctls wait for RTNL like any request, so they run on the pool. */
export async function makeTun(
  ns: Namespace,
  kind: TunKind,
  name: string | undefined,
  data: TunOptions,
): Promise<string> {
  const request = Buffer.alloc(IFREQ.size)
  request.write(name === undefined ? `${kind}%d` : checkLinkName(name), 'utf8')
  request.writeUInt16LE(flagsOf(kind, data), IFREQ.flags)
  const asked = `cannot add the ${kind} link '${name ?? kind}'`
  const fd = visit('net', ns.fd, () => open('/dev/net/tun', constants.O_RDWR, { asked, next: HELP }), asked)
  try {
    await control(fd, TUNSETIFF, request, asked)
    if (data.owner !== undefined) await control(fd, TUNSETOWNER, checkId(data.owner, 'data.owner'), asked)
    if (data.group !== undefined) await control(fd, TUNSETGROUP, checkId(data.group, 'data.group'), asked)
    await control(fd, TUNSETPERSIST, 1, asked)
    return request.toString('utf8', 0, request.indexOf(0))
  } finally {
    close(fd)
  }
}

/** The error for a batch that has one. */
export function tunNotInBatch(kind: TunKind): NsfdError {
  return new NsfdError(`A ${kind} link is not made by netlink, so no batch can make it: use Route's link.add`, {
    code: 'ERR_NSFD_NOT_BY_NETLINK',
  })
}

const HELP = {
  ENOENT: "this kernel has no /dev/net/tun (module 'tun')",
  EBUSY: 'there is a link of that name already',
  EPERM: 'it needs CAP_NET_ADMIN over the namespace',
}

const KNOWN = ['owner', 'group', 'pi', 'vnetHdr', 'multiQueue']

function flagsOf(kind: TunKind, data: TunOptions): number {
  for (const key of Object.keys(data)) if (!KNOWN.includes(key)) throw invalidArgument('data', `has no ${key}`, key)
  const { pi = false, vnetHdr = false, multiQueue = false } = data
  const set = [[!pi, IFF.NO_PI] as const, [vnetHdr, IFF.vnetHdr] as const, [multiQueue, IFF.multiQueue] as const]
  return set.reduce((flags, [on, bit]) => (on ? flags | bit : flags), IFF[kind] | IFF.TUN_EXCL)
}

async function control(fd: number, request: number, argument: Buffer | number, asked: string): Promise<void> {
  const { result, errno } =
    typeof argument === 'number'
      ? await onPool('ioctlNumber', fd, request, argument)
      : await onPool('ioctl', fd, request, argument)
  if (result === -1) throw systemError(errno, { syscall: 'ioctl', asked, next: HELP })
}

function checkId(id: unknown, label: string): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 0xffffffff) return id
  throw invalidArgument(label, 'must be a uid or gid', id)
}
