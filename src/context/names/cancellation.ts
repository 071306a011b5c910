// What dns.Resolver.cancel() ends: a ring of questions under way. An AbortSignal would do, at the price of a query; a Set
// that lives long keeps, through the tables it has outgrown, what was deleted from it until the next full collection.

/** Somebody who waits, as a link of the ring; alone where it points to itself. */
export class Hook {
  before: Hook = this
  after: Hook = this
  readonly call: () => void

  constructor(call: () => void) {
    this.call = call
  }

  /** Takes it out of the ring it is in. */
  remove(): void {
    this.before.after = this.after
    this.after.before = this.before
    this.before = this
    this.after = this
  }
}

export class Cancellation {
  readonly #ring = new Hook(() => {})
  #cancelled = false

  get cancelled(): boolean {
    return this.#cancelled
  }

  /** Calls every hook that was added and not removed since, once and for good. */
  cancel(): void {
    this.#cancelled = true
    for (let { after } = this.#ring; after !== this.#ring; after = this.#ring.after) {
      after.remove()
      after.call()
    }
  }

  add(hook: Hook): void {
    hook.after = this.#ring
    hook.before = this.#ring.before
    hook.before.after = hook
    this.#ring.before = hook
  }
}
