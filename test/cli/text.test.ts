import { describe, expect, test } from 'vitest'
import { paintFor } from '../../src/cli/paint.ts'
import { cell, table } from '../../src/cli/table.ts'
import { formatMs } from '../../src/control/duration.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

test.each([
  [-3, '0 ms'],
  [0.21, '0.2 ms'],
  [3, '3 ms'],
  [12.9, '12 ms'],
  [999.9, '999 ms'],
  [1_000, '1 s'],
  [1_560, '1.5 s'],
  [59_999, '59.9 s'],
  [60_000, '1 min'],
  [200_000, '3 min 20 s'],
  [3_599_999, '59 min 59 s'],
  [18_060_000, '5 h 1 min'],
  [86_399_999, '23 h 59 min'],
  [1_047_600_000, '12 d 3 h'],
])('%d ms is shown as %s', (ms, shown) => {
  expect(formatMs(ms)).toBe(shown)
})

describe('colour', () => {
  const painted = (isTty: boolean, env: Record<string, string>) =>
    paintFor(capturedIo({ isTty, env }))('x', 'bad')

  test('is used on a terminal that can', () => {
    expect(painted(true, { TERM: 'xterm' })).toBe('\u001b[1;31mx\u001b[0m')
    expect(painted(true, { TERM: 'xterm', NO_COLOR: '' })).toBe('\u001b[1;31mx\u001b[0m')
  })

  test('is not used in a pipe, on a dumb terminal or against NO_COLOR', () => {
    expect(painted(false, { TERM: 'xterm' })).toBe('x')
    expect(painted(true, { TERM: 'dumb' })).toBe('x')
    expect(painted(true, { NO_COLOR: '1' })).toBe('x')
  })
})

describe('a table', () => {
  const colours = paintFor(capturedIo({ isTty: true }))

  test('aligns columns by what is seen, and ends no line with spaces', () => {
    const rows = [
      ['a', cell('bad', 'bad'), 'c'],
      ['long', 'x'],
      ['', '', ''],
    ]
    expect(table(rows, (text) => text)).toBe('a     bad  c\nlong  x\n\n')
    expect(table(rows, colours)).toBe('a     \u001b[1;31mbad\u001b[0m  c\nlong  x\n\n')
  })

  test('does not let a cell move the cursor', () => {
    expect(table([['a\u001b[2Jb\nc\u009b1m']], colours)).toBe('a?[2Jb?c?1m\n')
  })
})
