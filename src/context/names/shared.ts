// Questions under way: those that are the same share one pursuit, which ends early only when nobody waits for it any more.
import type { Cancellation } from './cancellation.js'

/** A pursuit asks `end` to be called when nobody wants its answer; it must then settle soon. */
export type Pursuit = { onEnd: (() => void) | undefined; ended: boolean }

type Waiter<T> = (outcome: T) => void
type Underway<T> = Pursuit & { readonly waiters: Set<Waiter<T>> }

export class Shared<T extends object> {
  readonly #underway = new Map<string, Underway<T>>()

  /**
   * Starts the work, or joins the same work where it is under way.
   * @param cancelled what a waiter gets whose cancellation is cancelled; the others go on waiting.
   */
  join(
    key: string,
    work: (pursuit: Pursuit) => Promise<T>,
    cancellation: Cancellation | undefined,
    cancelled: T,
  ): Promise<T> {
    if (cancellation?.cancelled) return Promise.resolve(cancelled)
    const underway = this.#underway.get(key) ?? this.#start(key, work)
    return new Promise((resolve) => {
      const leave = () => {
        underway.waiters.delete(waiter)
        if (underway.waiters.size === 0) this.#end(key, underway)
        resolve(cancelled)
      }
      const waiter = (outcome: T) => {
        cancellation?.delete(leave)
        resolve(outcome)
      }
      underway.waiters.add(waiter)
      cancellation?.add(leave)
    })
  }

  #start(key: string, work: (pursuit: Pursuit) => Promise<T>): Underway<T> {
    const underway: Underway<T> = { onEnd: undefined, ended: false, waiters: new Set() }
    this.#underway.set(key, underway)
    const settle = (outcome: T) => {
      if (!underway.ended) this.#underway.delete(key)
      for (const waiter of underway.waiters) waiter(outcome)
    }
    // A rejection goes to everyone who waits as well: resolve() of a promise takes on what the other becomes.
    work(underway).then(settle, (error) => settle(Promise.reject(error) as unknown as T))
    return underway
  }

  /** Whoever asks after this starts anew. */
  #end(key: string, underway: Underway<T>): void {
    underway.ended = true
    this.#underway.delete(key)
    underway.onEnd?.()
  }
}
