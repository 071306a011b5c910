// Pins under attack: many processes at one name, and processes killed at any point of create, pin and unpin.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Namespace } from 'nsfd'
import { uniqueName } from '../support/names.js'
import { needs } from '../support/needs.js'
import { ended, startProgram } from '../support/program.js'
import { leaveStaleFile } from '../support/stale.js'
import { nsfsMounts } from '../support/state.js'

const RACERS = 6
const RACES = 4
const KILLS = 100
const KILLED_AT_ONCE = 4

test('of many processes that pin one name at once, one wins and the rest are told EEXIST', needs('admin'), async () => {
  for (let race = 0; race < RACES; race++) {
    const name = uniqueName('race')
    if (race % 2 === 1) leaveStaleFile('net', name)
    const racers = Array.from({ length: RACERS }, () =>
      startProgram(new URL('./programs/pin-once.js', import.meta.url), { args: [name] }),
    )
    const results = racers.map(ended)
    await Promise.all(racers.map(({ stdout }) => once(stdout as NodeJS.ReadableStream, 'data')))
    for (const { stdin } of racers) stdin?.end('go')
    const said = (await Promise.all(results)).map(({ stdout }) => stdout.replace('ready\n', '').trim())
    const winners = said.filter((word) => word.startsWith('won'))
    assert.equal(winners.length, 1, said.join(', '))
    assert.equal(said.filter((word) => word === 'EEXIST').length, RACERS - 1, said.join(', '))
    {
      using found = Namespace.named(name)
      assert.equal(`won ${found}`, winners[0])
    }
    Namespace.unpin(name)
    assert.ok(!nsfsMounts().some((line) => line.includes(name)))
  }
})

test(`${KILLS} processes killed at random points of create, pin and unpin: list tells the truth, unpin cleans everything`, {
  ...needs('admin'),
  timeout: 240_000,
}, async (t) => {
  const names = ['a', 'b', 'c'].map(uniqueName)
  let stale = 0
  let live = 0
  for (let killed = 0; killed < KILLS; killed += KILLED_AT_ONCE) {
    const loops = Array.from({ length: KILLED_AT_ONCE }, () =>
      startProgram(new URL('./programs/pin-loop.js', import.meta.url), { args: names }),
    )
    await Promise.all(loops.map(killAtRandom))
    const listed = Namespace.list().filter((pin) => names.includes(pin.name))
    for (const pin of listed) {
      assert.equal(pin.state, stateByMountinfo(pin.path), pin.path)
      if (pin.state === 'live') live++
      else stale++
    }
    assert.deepEqual(listed.map((pin) => pin.path).sort(), onDisk(names))
    if (killed % 8 !== 0) continue // every other round goes on with what the last one left
    for (const pin of listed) Namespace.unpin(pin.name, pin.kind)
    assert.deepEqual(onDisk(names), [])
    assert.ok(!nsfsMounts().some((line) => names.some((name) => line.includes(name))))
  }
  for (const pin of Namespace.list()) {
    if (!names.includes(pin.name)) continue
    const removed = spawnSync(process.execPath, [CLI, 'rm', pin.name, '--kind', pin.kind], { encoding: 'utf8' })
    assert.equal(removed.status, 0, removed.stderr)
  }
  assert.deepEqual(onDisk(names), [])
  assert.ok(!nsfsMounts().some((line) => names.some((name) => line.includes(name))))
  t.diagnostic(`left by the killed: ${live} living pins, ${stale} stale files`)
  assert.ok(live > 0, 'no kill ever hit between pin and unpin')
})

const CLI = new URL('../../../dist/cli/nsfd.cjs', import.meta.url).pathname

async function killAtRandom(child: ChildProcess): Promise<void> {
  const end = ended(child)
  const begun = once(child.stdout as NodeJS.ReadableStream, 'data')
  await Promise.race([begun, end.then(({ stderr }) => assert.fail(`the loop ended by itself: ${stderr}`))])
  await sleep(Math.random() * 30)
  child.kill('SIGKILL')
  const { signal, stderr } = await end
  assert.equal(signal, 'SIGKILL', stderr)
}

function stateByMountinfo(path: string): 'live' | 'stale' {
  return nsfsMounts().some((line) => line.endsWith(` on ${path}`)) ? 'live' : 'stale'
}

function onDisk(names: string[]): string[] {
  return ['net', 'uts']
    .flatMap((kind) => names.map((name) => `/run/${kind}ns/${name}`))
    .filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    .sort()
}
