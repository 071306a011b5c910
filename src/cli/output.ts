// What a person sees: tables, colours only where they help, and JSON for programs.

type Paint = (text: string) => string
type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

const CODES: Record<Colour, [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
}

/** Colours on a terminal, never with NO_COLOR (no-color.org) or TERM=dumb. */
export function paint(colour: Colour, stream: NodeJS.WriteStream = process.stdout): Paint {
  const wanted = stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  const [on, off] = CODES[colour]
  return wanted ? (text) => `\x1b[${on}m${text}\x1b[${off}m` : (text) => text
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** Columns as wide as their widest cell; the last one is cut to the terminal's width. */
export function printTable(titles: string[], rows: string[][]): void {
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const room = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .slice(0, room)
  print(paint('bold')(line(titles)))
  for (const row of rows) print(line(row))
}

/** Text from the system that shall not steer the terminal: control characters become visible. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A warning that does not stop the work. */
export function warn(message: string): void {
  process.stderr.write(`nsfd: ${message}\n`)
}
