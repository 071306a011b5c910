// Two views of the same objects, ours and that of ip, tc or bridge: every field that they print must be among ours, and say
// the same. A field nobody here has an opinion on is a failure.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Json, settled } from './ip-view.js'

export type Both = { ours: Json[]; theirs: Json[] }

/** The fields ip prints: those it does not are nothing that both know. */
function common(ours: Json, theirs: Json): Json {
  return Object.fromEntries(
    Object.keys(theirs).map((key) => {
      const [mine, its] = [ours[key], theirs[key]]
      const both = isObject(mine) && isObject(its)
      return [key, both ? common(mine, its) : mine]
    }),
  )
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
/** IPv6 and duplicate address detection take their time. */
const TRIES = 50
const KEYS = ['ifname', 'dev', 'family', 'local', 'dst', 'table', 'type', 'priority', 'id', 'handle', 'metric', 'pref']
const inOrder = (list: Json[]) =>
  list.toSorted((a, b) =>
    byText(
      KEYS.map((key) => String(a[key])),
      KEYS.map((key) => String(b[key])),
    ),
  )

/** Compares what was seen by both; looks again where the kernel changed something in between. Returns what they saw. */
export async function agree(look: () => Promise<Both>, what: string, tries = TRIES): Promise<Json[]> {
  for (let left = tries; ; left--) {
    const { ours, theirs } = await look()
    const [a, b] = [inOrder(ours), inOrder(theirs)]
    try {
      assert.equal(a.length, b.length, `as many ${what}`)
      for (const [i, its] of b.entries()) {
        assert.deepEqual(settled(common(a[i] as Json, its)), settled(its), `${what}: ${i}`)
      }
      return b
    } catch (error) {
      if (left === 0) throw error
      await sleep(100)
    }
  }
}

/** What no two namespaces share, though each is told alike by both: numbers handed out, and what has gone through. */
const OF_ONE_NAMESPACE = new Set([
  ...['ifindex', 'link_index', 'bridge_id', 'root_id', 'stats64', 'bytes', 'packets', 'carrier_changes'],
  ...['used', 'confirmed', 'updated', 'refcnt', 'expires', 'valid_life_time', 'preferred_life_time'],
])

/** What they see in the namespace that we made is what they see in the one that they made. */
export function alike(ours: Json[], theirs: Json[], what: string): void {
  // What IPv6 makes by itself, and the groups it then joins, comes and goes in its own time.
  const lasting = (each: Json) => !/^(fe80|ff|33:33:ff)/.test(String(each.local ?? each.dst ?? each.mac))
  const [a, b] = [ours, theirs].map((list) => list.filter(lasting).map((each) => settled(each, OF_ONE_NAMESPACE)))
  assert.deepEqual(a, b, `${what}, made by us and by them`)
}
