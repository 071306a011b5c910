// Questions under way: those that are the same share one pursuit, which ends early only when nobody waits for it any more.
import { type Cancellation, Hook } from './cancellation.js'

/** A pursuit asks `end` to be called when nobody wants its answer; it must then settle soon. */
export type Pursuit = { onEnd: (() => void) | undefined; ended: boolean }

type Waiter<T> = (outcome: T | PromiseLike<T>) => void
type Underway<T> = Pursuit & { readonly waiters: Waiter<T>[] }

export class Shared<T extends object> {
  /** An object, not a Map: see cancellation.ts. Keys are never what an object has by itself, they begin with a type. */
  readonly #underway: Record<string, Underway<T>> = Object.create(null)

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
    const underway = this.#underway[key] ?? this.#start(key, work)
    return new Promise((resolve) => {
      if (cancellation === undefined) return void underway.waiters.push(resolve)
      const hook = new Hook(() => {
        this.#leave(key, underway, waiter)
        resolve(cancelled)
      })
      const waiter: Waiter<T> = (outcome) => {
        hook.remove()
        resolve(outcome)
      }
      underway.waiters.push(waiter)
      cancellation.add(hook)
    })
  }

  #start(key: string, work: (pursuit: Pursuit) => Promise<T>): Underway<T> {
    const underway: Underway<T> = { onEnd: undefined, ended: false, waiters: [] }
    this.#underway[key] = underway
    const settle = (outcome: T | PromiseLike<T>) => {
      if (!underway.ended) delete this.#underway[key]
      for (const waiter of underway.waiters) waiter(outcome)
    }
    // A rejection goes to everyone who waits: resolve() of a promise takes on what the other becomes.
    work(underway).then(settle, (error) => {
      if (!underway.ended) settle(Promise.reject(error))
    })
    return underway
  }

  /** When the last one leaves, it ends, and whoever asks after this starts anew. */
  #leave(key: string, underway: Underway<T>, waiter: Waiter<T>): void {
    underway.waiters.splice(underway.waiters.indexOf(waiter), 1)
    if (underway.waiters.length > 0) return
    underway.ended = true
    delete this.#underway[key]
    underway.onEnd?.()
  }
}
