// Queueing disciplines: netem, tbf, htb and its classes, fq. tc(8).
import { invalidArgument } from '../../kernel/errors.js'
import { type Message, NLM_F } from '../codec/message.js'
import type { Attributes } from '../codec/table.js'
import type { ValueOf } from '../codec/type.js'
import { checkRef, type IndexOf, type LinkRef, type Operation, show } from '../operation.js'
import { request } from '../request.js'
import { decodeAs, RTM, SHAPES } from '../tables/messages.js'
import type { QDISC, tcmsg } from '../tables/qdisc.js'
import { type QdiscOptions, writeOptions } from './qdisc-options.js'

export type Qdisc = {
  /** The index of its link. */
  readonly index: number
  readonly kind: string
  /** '1:'; of a class, '1:10'. */
  readonly handle: string
  /** 'root', 'ingress', or the class it hangs on. */
  readonly parent: string
  /** What it was told, under the kernel's names; bytes for kinds no table describes. */
  readonly options: Record<string, unknown> | Uint8Array | undefined
  readonly stats: QdiscStats | undefined
  readonly header: ValueOf<typeof tcmsg>
  readonly attributes: Attributes<typeof QDISC.rows>
}

/** What has gone through, and what waits: `backlog` bytes in `qlen` packets. */
export type QdiscStats = {
  readonly bytes: number
  readonly packets: number
  readonly drops: number
  readonly overlimits: number
  readonly requeues: number
  readonly backlog: number
  readonly qlen: number
}

export type QdiscAdd = QdiscOptions & {
  dev: LinkRef
  /** 'root', if not given; a class such as '1:10'. */
  parent?: string
  /** '1:'; the kernel's choice, if not given. */
  handle?: string
}

type Values = Attributes<typeof QDISC.rows>

const shape = SHAPES.qdisc
const TC_H_ROOT = 0xffffffff
const TC_H_INGRESS = 0xfffffff1

export function readQdisc(message: Message, bytes: Buffer): Qdisc | undefined {
  if (message.type < RTM.NEWQDISC || message.type > RTM.GETTCLASS) return undefined
  const { header, attributes: a } = decodeAs(shape, bytes, message.start, message.end)
  return {
    index: header.tcm_ifindex,
    kind: a.TCA_KIND ?? '',
    handle: showHandle(header.tcm_handle),
    parent: showHandle(header.tcm_parent),
    options: a.TCA_OPTIONS,
    stats: statsOf(a.TCA_STATS2),
    header,
    attributes: a,
  }
}

function statsOf(stats: Values['TCA_STATS2']): QdiscStats | undefined {
  const { TCA_STATS_BASIC: basic, TCA_STATS_QUEUE: queue } = stats ?? {}
  return basic && queue && { ...basic, ...queue }
}

export function addQdisc(options: QdiscAdd, replace = false): Operation {
  const how = replace ? NLM_F.REPLACE : NLM_F.EXCL
  const made = operation('NEWQDISC', NLM_F.CREATE | how, replace ? 'set' : 'add', options)
  return { ...made, undo: replace ? undefined : deleteQdisc(options) }
}

export function deleteQdisc(options: { dev: LinkRef; parent?: string; handle?: string }): Operation {
  return operation('DELQDISC', 0, 'delete', options)
}

/** A class of htb: part of the link's rate. */
export function addClass(options: QdiscAdd & { handle: string }): Operation {
  const made = operation('NEWTCLASS', NLM_F.CREATE | NLM_F.EXCL, 'add', options)
  return { ...made, undo: deleteClass({ dev: options.dev, handle: options.handle }) }
}

export function deleteClass({ dev, handle }: { dev: LinkRef; handle: string }): Operation {
  return operation('DELTCLASS', 0, 'delete', { dev, handle })
}

/** The kernel lists the classes of one link, never of all. */
export function dumpClasses(dev: LinkRef): Operation<Qdisc> {
  const asked = `list the classes of the link ${show(checkRef(dev, 'dev'))}`
  const build = (indexOf: IndexOf) =>
    request({ type: 'GETTCLASS', flags: NLM_F.DUMP, shape, header: { tcm_ifindex: indexOf(dev) }, asked })
  return { asked, needs: [dev], touches: [], build, read: readQdisc }
}

export function dumpQdiscs(): Operation<Qdisc> {
  const asked = 'list the queueing disciplines'
  const build = () => request({ type: 'GETQDISC', flags: NLM_F.DUMP, shape, header: {}, asked })
  return { asked, needs: [], touches: [], build, read: readQdisc }
}

type Type = 'NEWQDISC' | 'DELQDISC' | 'NEWTCLASS' | 'DELTCLASS'
type Parts = { dev: LinkRef; parent?: string; handle?: string } & Partial<QdiscOptions>

function operation(type: Type, flags: number, verb: string, options: Parts): Operation {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'must be an object', options)
  const { dev, parent = 'root', handle, ...rest } = options
  checkRef(dev, 'dev')
  const isClass = type.endsWith('TCLASS')
  const what = isClass ? `class ${handle}` : `queueing discipline ${rest.kind ?? handle ?? parent}`
  const asked = `${verb} the ${what} of the link ${show(dev)}`
  const header = {
    tcm_parent: isClass && options.parent === undefined ? 0 : parseHandle(parent, 'parent'),
    tcm_handle: handle === undefined ? 0 : parseHandle(handle, 'handle'),
  }
  const attributes = type.startsWith('NEW') ? writeOptions(rest as QdiscOptions, isClass) : {}
  const next = {
    ENOENT: `this kernel has no module for the queueing discipline '${rest.kind}', or there is none to delete`,
  }
  const build = (indexOf: IndexOf) =>
    request({ type, flags, shape, header: { ...header, tcm_ifindex: indexOf(dev) }, attributes, asked, next })
  build(() => 1) // everything that can be wrong is said now
  return { asked, needs: [dev], touches: [], build }
}

function showHandle(handle: number): string {
  if (handle === TC_H_ROOT) return 'root'
  if (handle === TC_H_INGRESS) return 'ingress'
  const minor = handle & 0xffff
  return `${(handle >>> 16).toString(16)}:${minor === 0 ? '' : minor.toString(16)}`
}

function parseHandle(text: unknown, label: string): number {
  if (text === 'root') return TC_H_ROOT
  if (text === 'ingress') return TC_H_INGRESS
  const [, major, minor] = typeof text === 'string' ? (/^([0-9a-f]{1,4}):([0-9a-f]{0,4})$/i.exec(text) ?? []) : []
  if (major === undefined)
    throw invalidArgument(label, "must be 'root', '1:', '1:10', or the like, in hexadecimal", text)
  return ((Number.parseInt(major, 16) << 16) | Number.parseInt(minor || '0', 16)) >>> 0
}
