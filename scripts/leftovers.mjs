// What container engines have left on this machine: `leftovers.mjs note FILE` before them, `leftovers.mjs compare FILE` after.
// Other processes of the machine may come and go meanwhile. A process is the engines' if NSFD_ENGINES is in its environment
// (.ci/run sets it for all it starts with them), or if it lives in a pid namespace that was not there before.
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { machineState } from './machine.mjs'

const PATIENCE_MS = 15_000
const [action, file] = process.argv.slice(2)

if (action === 'note') {
  writeFileSync(file, JSON.stringify(toJson(state())))
} else if (action === 'compare') {
  const before = JSON.parse(readFileSync(file, 'utf8'))
  let left = difference(before)
  // Kernels and shims take things down some time after they were told to.
  for (const deadline = Date.now() + PATIENCE_MS; left.length > 0 && Date.now() < deadline; ) {
    await sleep(200)
    left = difference(before)
  }
  for (const line of left) process.stdout.write(`Left behind: ${line}\n`)
  if (left.length === 0) process.stdout.write('Nothing of the engines is running or mounted.\n')
  process.exitCode = left.length === 0 ? 0 : 1
} else {
  process.stderr.write('usage: node scripts/leftovers.mjs note|compare FILE\n')
  process.exitCode = 2
}

function state() {
  const { pins, links, 'ip netns': named } = machineState()
  return { pins, links, named, mounts: mounts(), pidNamespaces: new Set(inEach((pid) => pidNamespace(pid))) }
}

function toJson(sets) {
  return Object.fromEntries(Object.entries(sets).map(([name, set]) => [name, [...set]]))
}

function difference(before) {
  const { pidNamespaces, ...now } = toJson(state())
  const fresh = pidNamespaces.filter((each) => !before.pidNamespaces.includes(each))
  const things = Object.entries(now).flatMap(([what, lines]) =>
    lines.filter((line) => !before[what].includes(line)).map((line) => `${what}: ${line}`),
  )
  const processes = inEach((pid) => {
    const theirs = fresh.includes(pidNamespace(pid)) || /(^|\0)NSFD_ENGINES=/.test(readProc(pid, 'environ'))
    return theirs && !isOurs(pid)
      ? `process: ${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ').trim()}`
      : undefined
  })
  return [...things, ...processes]
}

/** Where, and of which type; a mount's number and options are its own affair. */
function mounts() {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(Boolean)
  return new Set(
    lines.map((line) => {
      const [left, right] = line.split(' - ')
      return `${right.split(' ')[0]} on ${left.split(' ')[4]}`
    }),
  )
}

function inEach(look) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => look(pid) ?? [])
}

function pidNamespace(pid) {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code)) return undefined
    throw error
  }
}

/** This process, and the shell that started it. */
function isOurs(pid) {
  return [process.pid, process.ppid].includes(Number(pid))
}

function readProc(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code)) return ''
    throw error
  }
}
