// Performing an operation whose indexes are known: its requests in one send, undone if only some of them were done.
import type { IndexOf, Operation } from './operation.js'
import type { Request } from './request.js'
import type { Transport } from './transport.js'

/** @returns what the operation's `read` made of all answers, in order */
export async function perform<T>(
  transport: Transport,
  operation: Operation<T>,
  indexOf: IndexOf,
  { tell = true, signal }: { tell?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<T[]> {
  const built = operation.build(indexOf, tell)
  const requests = Array.isArray(built) ? (built as Request[]) : [built as Request]
  if (requests.length === 1) return transport.run(requests[0] as Request, operation.read, signal)
  const outcomes = await Promise.allSettled(requests.map((request) => transport.run(request, operation.read)))
  const refusal = outcomes.find((outcome) => outcome.status === 'rejected')
  if (refusal === undefined) return outcomes.flatMap((outcome) => (outcome as PromiseFulfilledResult<T[]>).value)
  if (outcomes[0]?.status === 'fulfilled' && operation.undo) await perform(transport, operation.undo, indexOf)
  throw refusal.reason
}
