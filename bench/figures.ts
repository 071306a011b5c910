// Figures: contenders take turns, slice by slice, so that what the machine does meanwhile hits them alike.

/**
 * Everyone measures once a round, in this order and then in the reverse, so that nobody always follows the same one: the
 * kernel frees much of what a slice used only after it (RCU). The first round only warms up.
 */
export async function alternate<T>(
  turns: Record<string, () => Promise<T>>,
  rounds: number,
): Promise<Record<string, T[]>> {
  const names = Object.keys(turns)
  const figures: Record<string, T[]> = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const figure = await (turns[name] as () => Promise<T>)()
      if (round > 0) figures[name]?.push(figure)
    }
  }
  return figures
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The median of the ratios within each round: neighbours in time are compared, not two averages over minutes. */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, i) => value / (theirs[i] ?? Number.NaN)))
}
