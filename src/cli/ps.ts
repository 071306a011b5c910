// nsfd ps: the containers of every engine on this machine; nsfd ps TARGET: the processes inside one.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { Command } from 'commander'
import { toInside } from '../container/facts.js'
import { listContainers, openTarget } from '../container/open-target.js'
import type { Target } from '../container/target.js'
import { hasCode } from '../kernel/errors.js'
import { examples } from './options.js'
import { harmless, print, printJson, printTable, warn } from './output.js'

export function psCommand(): Command {
  return new Command('ps')
    .description('list the containers on this machine, or the processes of one')
    .argument('[target]', 'a container, as for nsfd enter')
    .option('--json', 'as JSON')
    .addHelpText('after', examples('nsfd ps', 'nsfd ps docker:web'))
    .action((word: string | undefined, { json = false }: { json?: boolean }) =>
      word === undefined ? showContainers(json) : showProcesses(word, json),
    )
}

async function showContainers(json: boolean): Promise<void> {
  const { containers, failures } = await listContainers()
  for (const { error } of failures) warn(error.message)
  const rows = containers.map(({ engine, name, id, status, image = '', labels = {} }) => {
    return { target: `${engine}:${name}`, engine, name, id, status, image, labels }
  })
  if (json) return printJson(rows)
  if (rows.length === 0) return print('No containers: no engine on this machine has any.')
  printTable(
    ['TARGET', 'STATUS', 'ID', 'IMAGE'],
    rows.map(({ target, status, id, image }) => [target, status, id.slice(0, 12), image].map(harmless)),
  )
}

type ProcessRow = { pid: number; insidePid: number; uid: number; command: string }

async function showProcesses(word: string, json: boolean): Promise<void> {
  using target = await openTarget(word)
  const rows = processesOf(target)
  if (json) return printJson(rows)
  printTable(
    ['PID', 'INSIDE', 'UID', 'COMMAND'],
    rows.map(({ pid, insidePid, uid, command }) => [String(pid), String(insidePid), String(uid), harmless(command)]),
  )
}

/** Those in the target's pid namespace; of a target without one, those in the namespace that it is. */
function processesOf(target: Target): ProcessRow[] {
  const kind = target.namespaces.has('pid') ? 'pid' : ([...target.namespaces.keys()][0] ?? 'net')
  const there = target.namespace(kind).toString()
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/ns/${kind}`) !== there) return []
        return [describe(pid, target)]
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return [] // it has ended, or is not ours to see
        throw error
      }
    })
}

function describe(pid: string, target: Target): ProcessRow {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const field = (name: string) => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1]?.split('\t') ?? []
  const uid = Number(field('Uid')[1] ?? 0)
  const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').replaceAll('\0', ' ')
  return {
    pid: Number(pid),
    insidePid: Number(field('NSpid').at(-1) ?? pid),
    uid: toInside(target.uidMap, uid) ?? uid,
    command: line || `[${field('Name')[0] ?? ''}]`,
  }
}
