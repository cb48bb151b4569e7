/**
 * How does a line of the screen become exactly so wide? Spans of text, each with its tone, measured and cut
 * before they are coloured.
 *
 * Counts code points, as every terminal does for the letters of our documents. Control characters become `?`
 * here (`printable`): nothing that came from outside moves a cursor.
 */
import type { Paint, PaintTone } from './paint.ts'
import { printable } from './table.ts'

export interface Span {
  text: string
  tone: PaintTone
}

export type Line = readonly Span[]

/** Characters that not every terminal can show, and what stands for them there. */
export interface Glyphs {
  full: string
  empty: string
  more: string
  arrow: string
  mark: string
  rule: string
  /** Letters of three rows can be drawn. */
  blocks: boolean
}

const RICH: Glyphs = {
  full: '█',
  empty: '░',
  more: '…',
  arrow: '→',
  mark: '●',
  rule: '─',
  blocks: true,
}
const PLAIN: Glyphs = {
  full: '#',
  empty: '.',
  more: '~',
  arrow: '->',
  mark: '*',
  rule: '-',
  blocks: false,
}

/** What the locale says of the terminal (locale(7): the first of these that is set). */
export function glyphsFor(env: Readonly<Record<string, string | undefined>>): Glyphs {
  const { LC_ALL: all, LC_CTYPE: ctype, LANG: lang } = env
  const locale = [all, ctype, lang].find((name) => name !== undefined && name !== '') ?? 'C'
  return /utf-?8/i.test(locale) ? RICH : PLAIN
}

export function span(text: string, tone: PaintTone = 'plain'): Span {
  return { text: printable(text), tone }
}

export function widthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + [...text].length, 0)
}

/** At most so wide; what was cut off is told by a mark. */
export function clip(line: Line, columns: number, glyphs: Glyphs): Line {
  if (widthOf(line) <= columns) return line
  const kept: Span[] = []
  let left = Math.max(0, columns - 1)
  for (const { text, tone } of line) {
    const part = [...text].slice(0, left).join('')
    left -= [...part].length
    kept.push({ text: part, tone })
    if (left === 0) break
  }
  return columns > 0 ? [...kept, span(glyphs.more, 'dim')] : []
}

/** Exactly so wide. */
export function pad(line: Line, columns: number, glyphs: Glyphs): Line {
  const clipped = clip(line, columns, glyphs)
  return [...clipped, span(' '.repeat(Math.max(0, columns - widthOf(clipped))))]
}

/** Two lines side by side, the second from `column` on. */
export function beside(left: Line, right: Line, column: number, glyphs: Glyphs): Line {
  return [...pad(left, column - 2, glyphs), span('  '), ...right]
}

export function paintLine(line: Line, paint: Paint): string {
  return line.map(({ text, tone }) => paint(text, tone)).join('')
}

/** The same without its colours: what is no longer so. */
export function dimmed(line: Line): Line {
  return line.map(({ text }) => ({ text, tone: 'dim' }))
}
