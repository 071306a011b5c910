// What a bench hands back, and how it is printed.
export type Row = {
  what: string
  /** Medians, as printed: `2.98 us`. */
  figures: Record<string, string>
  /** Ours to the other contender's; what is better depends on the row and is said by `aim`. */
  ratio?: number
  aim?: { atMost: number } | { atLeast: number }
}

export type Report = { bench: string; title: string; rows: Row[]; skipped: string[]; notes: string[] }

export function print(report: Report): void {
  const lines = [['', ...columnsOf(report), 'ratio', 'aim']]
  for (const row of report.rows) {
    const cells = columnsOf(report).map((column) => row.figures[column] ?? '')
    lines.push([row.what, ...cells, row.ratio?.toFixed(3) ?? '', verdict(row)])
  }
  process.stdout.write(`\n${report.bench}: ${report.title}\n`)
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  for (const line of lines) {
    const cells = line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    process.stdout.write(`  ${cells.join('   ').trimEnd()}\n`)
  }
  for (const note of report.notes) process.stdout.write(`  ${note}\n`)
  for (const why of report.skipped) process.stdout.write(`  skipped: ${why}\n`)
}

function columnsOf(report: Report): string[] {
  return [...new Set(report.rows.flatMap((row) => Object.keys(row.figures)))]
}

function verdict({ ratio, aim }: Row): string {
  if (aim === undefined || ratio === undefined) return ''
  const [sign, bound, met] =
    'atMost' in aim ? ['<=', aim.atMost, ratio <= aim.atMost] : ['>=', aim.atLeast, ratio >= aim.atLeast]
  return `${sign} ${bound} ${met ? 'met' : 'MISSED'}`
}

export const microseconds = (ns: number) => `${(ns / 1000).toFixed(2)} us`
export const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`
export const perSecond = (rate: number) => `${Math.round(rate)}/s`
