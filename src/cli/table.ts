/**
 * How do rows become aligned columns?
 *
 * Widths are counted before colouring. Control characters in a cell are shown as `?`: some cells
 * come from the other node, and none of them may move an operator's cursor.
 */
import type { Paint, PaintTone } from './paint.ts'

export interface Cell {
  text: string
  tone: PaintTone
}

export function cell(text: string, tone: PaintTone = 'plain'): Cell {
  return { text, tone }
}

/** Text without anything a terminal would obey. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}

/** Lines without trailing spaces, each ended by a newline; two spaces between columns. */
export function table(rows: readonly (readonly (Cell | string)[])[], paint: Paint): string {
  const cells = rows.map((row) =>
    row.map((given) => {
      const { text, tone } = typeof given === 'string' ? cell(given) : given
      return cell(printable(text), tone)
    }),
  )
  const columns = Math.max(0, ...cells.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...cells.map((row) => row[column]?.text.length ?? 0)),
  )
  return cells.map((row) => `${line(row, widths, paint)}\n`).join('')
}

function line(row: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const last = row.findLastIndex(({ text }) => text !== '')
  return row
    .slice(0, last + 1)
    .map(({ text, tone }, column) => {
      const padding = column === last ? '' : ' '.repeat((widths[column] ?? 0) - text.length)
      return paint(text, tone) + padding
    })
    .join('  ')
}
