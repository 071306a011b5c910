// RTNL: while someone holds the kernel's lock, requests wait for it, and the JavaScript thread does not.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Route } from 'nsfd/rtnetlink'
import { everyTestEndsAtHome } from '../support/home.js'
import { needs } from '../support/needs.js'
import { place } from './links.js'

/** The kernel waits for RCU once a bridge, 16 ms, with the lock held: more than a second in all. */
const BRIDGES = 80
const HELD_MS = 800
const BEAT_MS = 5

describe('while the RTNL lock is held', { ...needs('admin', 'iproute2'), timeout: 120_000 }, () => {
  everyTestEndsAtHome()

  it('a timer keeps its beat and files are read, though requests wait', async () => {
    await using crowded = place()
    await using here = place()
    const { ok } = await crowded.rt.batch((b) => {
      for (let i = 0; i < BRIDGES; i++) b.link.add({ name: `b${i}`, kind: 'bridge', group: 9 })
    })
    assert.ok(ok)
    const late: number[] = []
    let last = performance.now()
    const beat = setInterval(() => {
      const now = performance.now()
      late.push(now - last)
      last = now
    }, BEAT_MS)
    const net = `--net=/proc/${process.pid}/fd/${crowded.ns.fd}`
    // One request deletes them all, with the lock held throughout.
    const deleting = spawn('nsenter', [net, 'ip', 'link', 'del', 'group', '9'], { stdio: 'ignore' })
    const gone = once(deleting, 'exit')
    let over = false
    void gone.then(() => {
      over = true
    })
    const waits: number[] = []
    const reads: number[] = []
    const others = Array.from({ length: 8 }, () => Route.open(here.ns))
    while (!over) {
      const asked = performance.now()
      const file = readFile('/proc/self/status').then(() => reads.push(performance.now() - asked))
      await Promise.all([...others.map((rt) => rt.link.set('lo', { up: true })), file])
      waits.push(performance.now() - asked)
    }
    clearInterval(beat)
    for (const rt of others) await rt.close()
    const [longest, worstBeat, worstRead] = [waits, late, reads].map((each) => Math.max(...each)) as [
      number,
      number,
      number,
    ]
    // The experiment must have happened: a request did wait for the lock.
    assert.ok(longest > HELD_MS, `the longest request took ${longest.toFixed(0)} ms: the lock was not held long enough`)
    assert.ok(
      worstBeat < longest / 2,
      `a beat came ${worstBeat.toFixed(0)} ms late while a request took ${longest.toFixed(0)} ms`,
    )
    assert.ok(
      worstRead < longest / 2,
      `a file took ${worstRead.toFixed(0)} ms while a request took ${longest.toFixed(0)} ms`,
    )
  })
})
