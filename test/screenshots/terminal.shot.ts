/**
 * Goal: a picture of `tandem status --watch` for the README. Method: the real screen over documents of a VoIP pair,
 * its words coloured as a terminal colours them, drawn by a browser.
 */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { glyphsFor, type Line } from '../../src/cli/line.ts'
import type { PaintTone } from '../../src/cli/paint.ts'
import { Changes } from '../../src/cli/watch-facts.ts'
import { screen } from '../../src/cli/watch-screen.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { ACTIVE, alarmOf, PAIR_HISTORY } from '../fixtures/pair-documents.ts'
import { browserMissing, startBrowser } from '../helpers/browser.ts'

const ROOT = join(import.meta.dirname, '../..')
const [COLUMNS, ROWS] = [104, 34]

/** As the terminals of most desktops have them. */
const STYLES: Readonly<Record<PaintTone, string>> = {
  plain: '',
  good: 'color:#4ec76f;font-weight:bold',
  warn: 'color:#e2b93d',
  bad: 'color:#ff6b68;font-weight:bold',
  dim: 'color:#8a8f98',
  title: 'font-weight:bold',
  changed: 'color:#14171c;background:#d7dae0',
}

const SCREENS: Readonly<Record<string, StatusDocument>> = {
  terminal: ACTIVE,
  'terminal-alarm': {
    ...ACTIVE,
    alarms: [alarmOf('heartbeat path crosslink is silent, others still work', ACTIVE.timeIso)],
    paths: ACTIVE.paths.map((path, at) => (at === 0 ? { ...path, state: 'silent' } : path)),
  },
}

function drawn(lines: readonly Line[]): string {
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return lines
    .map((line) =>
      line
        .map(({ text, tone }) => `<span style="${STYLES[tone]}">${escaped(text)}</span>`)
        .join(''),
    )
    .join('\n')
}

const missing = browserMissing()

describe.skipIf(missing !== null)('screenshots of the terminal', () => {
  it('are drawn', async () => {
    mkdirSync(join(ROOT, 'build/screenshots'), { recursive: true })
    const browser = await startBrowser()
    try {
      for (const [name, status] of Object.entries(SCREENS)) {
        const changes = new Changes()
        changes.update(status)
        const lines = screen({
          ...{ status, changes, transitions: PAIR_HISTORY.transitions, ageMs: 20, trouble: null },
          ...{ keys: true, columns: COLUMNS, rows: ROWS, glyphs: glyphsFor({ LANG: 'C.UTF-8' }) },
        })
        const tab = await browser.newPage({ deviceScaleFactor: 1.5 })
        await tab.setContent(
          `<body style="margin:0;background:#14171c"><pre style="margin:0;padding:14px;display:inline-block;` +
            `color:#d7dae0;font:14px/1.25 'DejaVu Sans Mono',monospace">${drawn(lines)}</pre></body>`,
        )
        const path = join(ROOT, 'build/screenshots', `${name}.png`)
        await tab.locator('pre').screenshot({ path })
        if (name === 'terminal') copyFileSync(path, join(ROOT, 'docs/terminal.png'))
        await tab.close()
      }
    } finally {
      await browser.close()
    }
  })
})
