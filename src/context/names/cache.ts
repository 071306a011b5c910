// Remembers answers no longer than their servers allow.

type Entry<T> = { readonly value: T; readonly since: number; readonly until: number }

/** However long a TTL says, as resolvers commonly do (RFC 8767 4 suggests days at most). */
const MAX_SECONDS = 86_400
const MAX_ENTRIES = 1_000

export class Cache<T> {
  /** In the order of use, the longest unused first. */
  readonly #entries = new Map<string, Entry<T>>()
  readonly #now: () => number

  /** now: milliseconds of a clock that only goes forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get size(): number {
    return this.#entries.size
  }

  /** The value and for how many seconds it has been here. */
  get(key: string): { value: T; age: number } | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    const now = this.#now()
    if (entry.until <= now) return undefined
    this.#entries.set(key, entry)
    return { value: entry.value, age: Math.floor((now - entry.since) / 1000) }
  }

  /** Keeps a value for some seconds; 0 keeps nothing. */
  set(key: string, value: T, seconds: number): void {
    this.#entries.delete(key)
    if (!(seconds > 0)) return
    const since = this.#now()
    this.#entries.set(key, { value, since, until: since + Math.min(seconds, MAX_SECONDS) * 1000 })
    const [longestUnused] = this.#entries.keys()
    if (this.#entries.size > MAX_ENTRIES && longestUnused !== undefined) this.#entries.delete(longestUnused)
  }
}
