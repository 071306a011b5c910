// Batches: many operations, few sends. Every one gets its answer; what failed is told beside what was asked.
import { NsfdError } from '../kernel/errors.js'
import { type Methods, methods } from './methods.js'
import type { IndexOf, Operation } from './operation.js'
import { perform } from './perform.js'
import { indexOfName } from './resolve.js'
import type { Transport } from './transport.js'

export type BatchItem = {
  /** What was to be done: "add the veth link 'v0'". */
  readonly asked: string
  /** undone: it was done, and taken back because another failed. skipped: another had failed before it was sent. */
  readonly status: 'done' | 'failed' | 'undone' | 'skipped'
  readonly error?: Error
}

export type BatchResult = { readonly ok: boolean; readonly items: BatchItem[]; readonly failures: BatchItem[] }

export type BatchOptions = {
  /** All or nothing: what was done is undone in reverse if anything fails. Deletions and replacements cannot take part. */
  atomic?: boolean
}

/** Route's methods; each is only noted down, and done when the batch runs. */
export type Batch = Methods<void, void>

/** An atomic batch failed. What it had done has been undone, unless `undoFailures` says otherwise. */
export class BatchError extends NsfdError {
  readonly result: BatchResult
  readonly undoFailures: BatchItem[]

  constructor(result: BatchResult, undoFailures: BatchItem[]) {
    const [first] = result.failures
    const others = result.failures.length - 1
    const more = others === 0 ? '' : ` (and ${others} more)`
    const undone = undoFailures.length === 0 ? 'all has been undone' : `${undoFailures.length} could not be undone`
    const { code = 'ERR_NSFD_BATCH', errno } = (first?.error ?? {}) as NodeJS.ErrnoException
    super(`${first?.error?.message}${more}; ${undone}`, { code, errno, syscall: 'netlink', cause: first?.error })
    this.name = 'BatchError'
    this.result = result
    this.undoFailures = undoFailures
  }
}

/** Notes down what `build` asks for. */
export function collect(build: (b: Batch) => void): Operation<unknown>[] {
  const operations: Operation<unknown>[] = []
  const note = (operation: Operation<unknown>) => {
    operations.push(operation)
  }
  const returned: unknown = build(methods({ made: note, done: note }))
  if (returned instanceof Promise) {
    returned.catch(() => {}) // told below, whatever it says
    throw new NsfdError('A batch is built at once: its function must not be async', { code: 'ERR_INVALID_ARG_VALUE' })
  }
  return operations
}

export async function runBatch(
  transport: Transport,
  operations: readonly Operation<unknown>[],
  { atomic = false }: BatchOptions = {},
): Promise<BatchResult> {
  if (atomic) refuseWhatCannotBeUndone(operations)
  const steps: Step[] = operations.map((operation) => ({ operation, status: 'skipped' }))
  const known = new Map<string, number>()
  for (let from = 0; from < steps.length; ) {
    const part = upToTheFirstThatNeedsAnother(steps, from)
    await learn(transport, part, known, atomic)
    await Promise.all(part.map((step) => runStep(transport, step, known)))
    for (const step of part) forget(step, known)
    from += part.length
    if (atomic && part.some(({ status }) => status === 'failed')) return undo(transport, steps)
  }
  return resultOf(steps)
}

type Step = {
  readonly operation: Operation<unknown>
  status: BatchItem['status']
  error?: Error
  undo?: Operation<unknown> | undefined
}

/** A link made in one send has an index only in the next: a batch is sent in parts where it must be. */
function upToTheFirstThatNeedsAnother(steps: Step[], from: number): Step[] {
  const touched = new Set<unknown>()
  const part: Step[] = []
  for (const step of steps.slice(from)) {
    const { needs, touches, undoFrom } = step.operation
    if (needs.some((ref) => touched.has(ref)) || (undoFrom && touched.has(undoFrom.ref))) break
    for (const name of touches) touched.add(name)
    part.push(step)
  }
  return part
}

/** Finds the indexes a part needs and, to be able to undo it, the state of the links it changes: in one send. */
async function learn(transport: Transport, part: Step[], known: Map<string, number>, atomic: boolean): Promise<void> {
  const names = new Set(part.flatMap(({ operation }) => operation.needs.filter((ref) => typeof ref === 'string')))
  const find = async (name: string) => {
    known.set(name, await indexOfName(transport, name))
  }
  const looks = new Map<string, Promise<unknown[]>>()
  const see = (look: Operation<unknown>) => {
    const seen = looks.get(look.asked) ?? perform(transport, look, noIndex)
    looks.set(look.asked, seen)
    return seen
  }
  const remember = async (step: Step) => {
    const { undoFrom } = step.operation
    if (!atomic || undoFrom === undefined) return
    try {
      step.undo = undoFrom.operation(await see(undoFrom.look), indexIn(step, known))
    } catch (error) {
      step.error = error as Error // what could not be undone is not begun
    }
  }
  const unknown = [...names].filter((name) => !known.has(name))
  // A link that is not there fails the steps that need it, each by itself, and nothing else.
  await Promise.allSettled(unknown.map(find))
  await Promise.all(part.map(remember))
}

async function runStep(transport: Transport, step: Step, known: ReadonlyMap<string, number>): Promise<void> {
  try {
    if (step.error !== undefined) throw step.error
    await perform(transport, step.operation, indexIn(step, known), { tell: false })
    step.status = 'done'
    step.undo ??= step.operation.undo
  } catch (error) {
    step.status = 'failed'
    step.error = error as Error
  }
}

const noIndex: IndexOf = () => 0

function indexIn(step: Step, known: ReadonlyMap<string, number>): IndexOf {
  return (ref) => {
    if (typeof ref === 'number') return ref
    const index = known.get(ref)
    if (index !== undefined) return index
    throw new NsfdError(`ENODEV: cannot ${step.operation.asked}: there is no link '${ref}' in this namespace`, {
      code: 'ENODEV',
      errno: -19,
      syscall: 'netlink',
    })
  }
}

/** Names that mean another link now are asked for again when they are needed. */
function forget({ operation }: Step, known: Map<string, number>): void {
  for (const name of operation.touches) known.delete(name)
}

async function undo(transport: Transport, steps: Step[]): Promise<never> {
  const done = steps.filter(({ status, undo }) => status === 'done' && undo !== undefined).reverse()
  const undone = await runBatch(
    transport,
    done.map(({ undo }) => undo as Operation<unknown>),
  )
  for (const [i, step] of done.entries()) if (undone.items[i]?.status === 'done') step.status = 'undone'
  throw new BatchError(resultOf(steps), undone.failures)
}

function refuseWhatCannotBeUndone(operations: readonly Operation<unknown>[]): void {
  const forGood = operations.find(({ undo, undoFrom }) => undo === undefined && undoFrom === undefined)
  if (forGood === undefined) return
  throw new NsfdError(`An atomic batch cannot ${forGood.asked}: that could not be undone; do it apart from the rest`, {
    code: 'ERR_NSFD_CANNOT_UNDO',
  })
}

function resultOf(steps: Step[]): BatchResult {
  const items = steps.map(({ operation, status, error }) => ({
    asked: operation.asked,
    status,
    ...(error === undefined ? {} : { error }),
  }))
  const failures = items.filter(({ status }) => status === 'failed')
  return { ok: items.every(({ status }) => status === 'done'), items, failures }
}
