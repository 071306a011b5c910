// Discovery step: the namespaces of every process. Processes come and go while we look; that is no error.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { hasCode } from '../kernel/errors.js'
import type { NamespaceId } from '../namespace/identity.js'
import type { Kind } from '../namespace/kinds.js'
import type { Findings } from './namespaces.js'

/** So many processes are looked at between two turns of the event loop. */
const BATCH = 64
const LINK = /^[a-z]+:\[(\d+)\]$/
/** What a process that has ended meanwhile answers; a zombie too, for the namespaces it has already left. */
const VANISHED = ['ENOENT', 'ESRCH']
const REFUSED = ['EACCES', 'EPERM']

export async function findProcesses(findings: Findings, signal?: AbortSignal): Promise<void> {
  const { dev } = statSync('/proc/self/ns/net', { bigint: true })
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(a) - Number(b))
  for (let start = 0; start < pids.length; start += BATCH) {
    for (const pid of pids.slice(start, start + BATCH)) look(pid, dev, findings)
    await new Promise((resume) => setImmediate(resume))
    signal?.throwIfAborted()
  }
}

function look(pid: string, dev: bigint, findings: Findings): void {
  const places: [Kind, NamespaceId][] = []
  for (const kind of findings.kinds) {
    const answer = readNamespace(pid, kind)
    if (answer === 'refused') {
      findings.hidden++
      return
    }
    if (answer !== undefined) places.push([kind, { dev, ino: answer }])
  }
  if (places.length === 0) return
  const command = commandOf(pid)
  if (command === undefined) return
  for (const [kind, id] of places) findings.at(kind, id).processes.push({ pid: Number(pid), command })
}

function readNamespace(pid: string, kind: Kind): bigint | 'refused' | undefined {
  try {
    const ino = LINK.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[1]
    return ino === undefined ? undefined : BigInt(ino)
  } catch (error) {
    if (hasCode(error, ...VANISHED)) return undefined
    if (hasCode(error, ...REFUSED)) return 'refused'
    throw error
  }
}

/** Its arguments, or in brackets the name of one that has none: a kernel thread, a zombie. Undefined: it is gone. */
function commandOf(pid: string): string | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return line === '' ? `[${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}]` : line
  } catch (error) {
    if (hasCode(error, ...VANISHED)) return undefined
    throw error
  }
}
