// What dns.Resolver.cancel() ends: a list of questions under way. An AbortSignal would do, at the price of a query.

export class Cancellation {
  #hooks: Set<() => void> | undefined = new Set()

  get cancelled(): boolean {
    return this.#hooks === undefined
  }

  /** Calls everything that was added and not deleted since, once and for good. */
  cancel(): void {
    const hooks = this.#hooks ?? []
    this.#hooks = undefined
    for (const hook of hooks) hook()
  }

  add(hook: () => void): void {
    this.#hooks?.add(hook)
  }

  delete(hook: () => void): void {
    this.#hooks?.delete(hook)
  }
}
