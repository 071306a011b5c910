// What a machine looks like from outside a test run: pins, mounts, links, namespaces and our own processes, by name.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const KINDS = ['net', 'uts', 'ipc', 'mnt', 'pid', 'user', 'cgroup', 'time']

/** Every fact is one line of text, so that what changed can be said by name. */
export function machineState() {
  return { pins: pins(), mounts: nsfsMounts(), links: links(), 'ip netns': ipNetns(), namespaces: namespaces() }
}

/** The lines that came and went between two states. */
export function differences(before, after) {
  const found = []
  for (const [what, linesBefore] of Object.entries(before)) {
    const linesAfter = after[what]
    for (const line of linesAfter) if (!linesBefore.has(line)) found.push({ what, change: 'new', line })
    for (const line of linesBefore) if (!linesAfter.has(line)) found.push({ what, change: 'gone', line })
  }
  return found
}

/** Living processes below this one. It is their subreaper, so orphans are among them; init is not. */
export function descendants(of = process.pid) {
  const parents = new Map()
  const names = new Map()
  for (const pid of pids()) {
    const { ppid, name, state } = stat(pid)
    if (ppid === undefined || state === 'Z') continue
    parents.set(pid, ppid)
    names.set(pid, name)
  }
  const isBelow = (pid) => {
    for (let at = parents.get(pid); at !== undefined; at = parents.get(at)) if (at === of) return true
    return false
  }
  return [...parents.keys()]
    .filter(isBelow)
    .map((pid) => ({ pid, line: `${pid} ${names.get(pid)} ${commandLine(pid)}` }))
}

function pins() {
  const lines = new Set()
  for (const kind of KINDS) for (const name of entries(`/run/${kind}ns`)) lines.add(`/run/${kind}ns/${name}`)
  return lines
}

function nsfsMounts() {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return new Set(
    mounts.filter((line) => line.includes(' - nsfs ')).map((line) => line.split(' ').slice(3, 5).join(' on ')),
  )
}

function links() {
  const lines = readFileSync('/proc/self/net/dev', 'utf8').split('\n').slice(2)
  return new Set(lines.map((line) => line.split(':')[0].trim()).filter(Boolean))
}

function ipNetns() {
  const { status, stdout } = spawnSync('ip', ['netns', 'list'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  if (status !== 0) return new Set()
  return new Set(
    stdout
      .split('\n')
      .map((line) => line.split(' ')[0])
      .filter(Boolean),
  )
}

/** Namespaces that some process lives in, without our own descendants': those processes are counted themselves. */
function namespaces() {
  const ours = new Set(descendants().map(({ pid }) => pid))
  const lines = new Set()
  for (const pid of pids()) {
    if (ours.has(pid)) continue
    for (const kind of KINDS) {
      try {
        lines.add(readlinkSync(`/proc/${pid}/ns/${kind}`))
      } catch (error) {
        // Processes end while we look, and other users' may not be looked at: neither is ours to count.
        if (!['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code)) throw error
      }
    }
  }
  return lines
}

function pids() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function stat(pid) {
  const text = read(`/proc/${pid}/stat`)
  const end = text.lastIndexOf(')')
  if (end === -1) return {}
  const [state, ppid] = text.slice(end + 2).split(' ')
  return { name: text.slice(text.indexOf('(') + 1, end), state, ppid: Number(ppid) }
}

function commandLine(pid) {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

function entries(directory) {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return ''
    throw error
  }
}
