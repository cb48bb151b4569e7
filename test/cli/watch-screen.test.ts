import { describe, expect, test } from 'vitest'
import { bigWord } from '../../src/cli/big-word.ts'
import { glyphsFor, type Line, widthOf } from '../../src/cli/line.ts'
import { Changes } from '../../src/cli/watch-facts.ts'
import { screen, type View } from '../../src/cli/watch-screen.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { UNHEARD_PEER } from '../fixtures/control-documents.ts'
import { ACTIVE, alarmOf, PAIR_HISTORY, STANDBY } from '../fixtures/pair-documents.ts'

const RICH = glyphsFor({ LANG: 'C.UTF-8' })
const PLAIN = glyphsFor({ LC_ALL: 'C', LANG: 'C.UTF-8' })

function view(status: StatusDocument | null, changes: Partial<View> = {}): View {
  const seen = new Changes()
  if (status !== null) seen.update(status)
  const { transitions } = PAIR_HISTORY
  return {
    ...{ status, transitions, changes: seen, ageMs: 20, trouble: null, keys: true },
    ...{ columns: 80, rows: 24, glyphs: RICH },
    ...changes,
  }
}

function textOf(lines: readonly Line[]): string {
  return lines.map((line) => line.map(({ text }) => text).join('')).join('\n')
}

/** What is coloured as bad. */
function bad(lines: readonly Line[]): string[] {
  return lines.flatMap((line) => line.filter(({ tone }) => tone === 'bad').map(({ text }) => text))
}

describe('the screen of status --watch', () => {
  test('of a healthy pair on 80 columns and 24 rows', () => {
    expect(textOf(screen(view(ACTIVE))).replaceAll(/ +$/gm, '')).toMatchSnapshot()
  })

  test('of the standby, without characters that not every terminal has', () => {
    const text = textOf(screen(view(STANDBY, { glyphs: PLAIN })))
    expect(text.replaceAll(/ +$/gm, '')).toMatchSnapshot()
    expect([...text].every((letter) => letter.charCodeAt(0) < 127)).toBe(true)
  })

  test.each([
    [80, 24],
    [200, 60],
    [70, 20],
    [60, 24],
    [40, 12],
    [20, 5],
    [1, 1],
  ])('never outgrows %i columns and %i rows', (columns, rows) => {
    const alarms = Array.from({ length: 20 }, (_, at) => ({
      ...{ code: 'path-silent', about: `path ${at}`, mend: 'look at the cable' },
      sentence: `nothing is heard on heartbeat path ${at}, others still work, and this sentence is long`,
      sinceIso: '2026-11-21T11:00:00.000Z',
    }))
    for (const status of [ACTIVE, STANDBY, { ...ACTIVE, alarms }, null]) {
      const lines = screen(view(status, { columns, rows }))
      expect(lines.length).toBeLessThanOrEqual(rows)
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
    }
  })

  test('puts what has to be mended below the roles, the worst of each list first', () => {
    const [first, ...others] = ACTIVE.services
    const failing = { ...first!, name: 'zeta', probe: 'failing' as const, why: 'no answer' }
    const lines = screen(
      view({
        ...ACTIVE,
        services: [...others, failing],
        alarms: [alarmOf('service zeta fails its probes', '')],
      }),
    )
    const text = textOf(lines)
    expect(text.indexOf('TO MEND (1)')).toBeLessThan(text.indexOf('PATHS'))
    expect(text).toMatch(/zeta +Probes fail/)
    expect(bad(lines)).toContain('service zeta fails its probes')
  })

  test.each([
    ['no answer', { trouble: 'no agent answers at /run/tandem/status.sock', ageMs: 7_400 }],
    ['an answer that does not come', { trouble: null, ageMs: 7_400 }],
  ])('never shows as live what is not: %s', (_case, changes) => {
    const lines = screen(view(ACTIVE, changes))
    const text = textOf(lines)
    expect(text).toContain('NO WORD FROM sp1 FOR 7 s')
    expect(text).toContain('sp1 was active 7 s ago')
    expect(text).toContain('sp2 was standby, as sp1 heard it then')
    expect(text).not.toMatch(/live|lease/)
    const below = lines.slice(1, -1).flat()
    expect(new Set(below.map(({ tone }) => tone))).toStrictEqual(new Set(['dim']))
  })

  test('says of a silent peer since when, and nothing that it told before', () => {
    const text = textOf(screen(view({ ...ACTIVE, peer: UNHEARD_PEER }, { glyphs: PLAIN })))
    expect(text).toContain('S I L E N T')
    expect(text).toContain('sp2, not heard since the agent started')
  })

  test('lets nothing from outside move the cursor', () => {
    const evil = '\u001b[2Jboom\n'
    const lines = screen(
      view({
        ...ACTIVE,
        alarms: [alarmOf(evil, evil)],
        local: { ...ACTIVE.local, reason: { code: 'x', sentence: evil } },
      }),
    )
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
    expect(lines.flat().filter(({ text }) => /[\u0000-\u001f]/.test(text))).toStrictEqual([])
  })
})

describe('what changed', () => {
  test('is told with what it was, and marked until it is forgotten', () => {
    const changes = new Changes()
    changes.update(ACTIVE)
    expect(changes.seen).toStrictEqual([])
    const [crosslink, ...paths] = ACTIVE.paths
    const timeIso = '2026-11-21T12:00:01.000Z'
    const sentence = 'nothing is heard on heartbeat path crosslink, others still work'
    changes.update({
      ...ACTIVE,
      timeIso,
      paths: [{ ...crosslink!, state: 'silent' }, ...paths],
      alarms: [alarmOf(sentence, timeIso)],
    })
    expect(changes.seen).toStrictEqual([
      { atIso: timeIso, sentence: `alarm: ${sentence}` },
      { atIso: timeIso, sentence: 'path crosslink: silent, was up' },
    ])
    expect(changes.has('path crosslink')).toBe(true)
    changes.update(ACTIVE)
    expect(changes.seen.slice(0, 2).map((change) => change.sentence)).toStrictEqual([
      `mended: ${sentence}`,
      'path crosslink: up, was silent',
    ])
    expect(changes.has('path crosslink')).toBe(true)
    changes.forget()
    expect(changes.has('path crosslink')).toBe(false)
  })

  test('does not take the silence of the peer for news about its health', () => {
    const changes = new Changes()
    changes.update(ACTIVE)
    changes.update({ ...ACTIVE, peer: UNHEARD_PEER })
    changes.update(ACTIVE)
    expect(changes.seen.map(({ sentence }) => sentence)).toStrictEqual([
      'sp2: standby, was silent',
      'sp2: silent, was standby',
    ])
  })
})

test('large words are three rows of the same letters', () => {
  expect(bigWord('active', RICH)).toStrictEqual([
    '▄▄▄ ▄▄▄ ▄▄▄ ▄ ▄ ▄ ▄▄▄',
    '█▄█ █    █  █ █ █ █▄ ',
    '█ █ █▄▄  █  █ ▀▄▀ █▄▄',
  ])
  for (const word of ['standby', 'transition', 'unknown', 'silent']) {
    const rows = bigWord(word, RICH)
    expect(new Set(rows.map((row) => [...row].length)).size).toBe(1)
    expect([...rows[0]].length).toBeLessThanOrEqual(38)
  }
  expect(bigWord('active', PLAIN)).toStrictEqual(['', 'A C T I V E', ''])
})
