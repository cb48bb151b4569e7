/**
 * How is a word written so large that it is read across the room? Three rows of half blocks per letter,
 * after drawings five dots high.
 */
import type { Glyphs } from './line.ts'

/** Dots from top to bottom. Only the letters of our words. */
const LETTERS: Readonly<Record<string, readonly string[]>> = {
  A: ['###', '# #', '###', '# #', '# #'],
  B: ['## ', '# #', '## ', '# #', '## '],
  C: ['###', '#  ', '#  ', '#  ', '###'],
  D: ['## ', '# #', '# #', '# #', '## '],
  E: ['###', '#  ', '## ', '#  ', '###'],
  I: ['#', '#', '#', '#', '#'],
  K: ['# #', '# #', '## ', '# #', '# #'],
  L: ['#  ', '#  ', '#  ', '#  ', '###'],
  N: ['#  #', '## #', '# ##', '#  #', '#  #'],
  O: ['###', '# #', '# #', '# #', '###'],
  R: ['## ', '# #', '## ', '# #', '# #'],
  S: ['###', '#  ', '###', '  #', '###'],
  T: ['###', ' # ', ' # ', ' # ', ' # '],
  U: ['# #', '# #', '# #', '# #', '###'],
  V: ['# #', '# #', '# #', '# #', ' # '],
  W: ['# # #', '# # #', '# # #', '# # #', ' # # '],
  Y: ['# #', '# #', ' # ', ' # ', ' # '],
}

/** Upper and lower dot of a cell. */
const HALVES: Readonly<Record<string, string>> = { '  ': ' ', '# ': '▀', ' #': '▄', '##': '█' }

export const BIG_ROWS = 3

/**
 * A word as three rows of text; in the middle one of them, in spaced capitals, where blocks cannot be shown or a
 * letter has no drawing.
 */
export function bigWord(text: string, glyphs: Glyphs): [string, string, string] {
  const drawn = [...text.toUpperCase()].map((letter) => LETTERS[letter])
  if (!glyphs.blocks || drawn.some((letter) => letter === undefined)) {
    return ['', [...text.toUpperCase()].join(' '), '']
  }
  // A row of air above, since five dots fill two and a half rows.
  const dots = [0, 1, 2, 3, 4].map((row) => drawn.map((letter) => letter?.[row] ?? '').join(' '))
  const row = (upper: string, lower: string): string =>
    [...lower].map((dot, at) => HALVES[`${upper[at] ?? ' '}${dot}`] ?? ' ').join('')
  return [
    row('', dots[0] ?? ''),
    row(dots[1] ?? '', dots[2] ?? ''),
    row(dots[3] ?? '', dots[4] ?? ''),
  ]
}
