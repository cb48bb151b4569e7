/** Goal: the page says what the report says, needs nothing else, and no text of it becomes markup. */
import { describe, expect, it } from 'vitest'
import { pageOf } from '../../src/drill/page.ts'
import { figure, reportWith } from '../fixtures/drill-report.ts'

describe('the page of a drill', () => {
  it('shows figures, steps, alarms and what was not measured', () => {
    const page = pageOf(reportWith())
    for (const words of [
      'planned switchover, there and back',
      'done, everything within bounds',
      'sp1 -&gt; sp2',
      '12 ms',
      '&lt;= 100 ms',
      'kept',
      'not measured',
      '+2004 ms',
      'sp2: the gate is open',
      'lb is not up yet',
      'silence of SIP',
    ]) {
      expect(page).toContain(words)
    }
  })

  it('loads nothing and runs nothing', () => {
    expect(pageOf(reportWith())).not.toMatch(/<script|<link|<img|<iframe|src=|href=|url\(|@import/i)
  })

  it('escapes every text, wherever it comes from', () => {
    const evil = `<b onload="x">'&\u001b[2J`
    const report = reportWith({
      ...{ reason: evil, after: evil, version: evil, profile: evil, id: evil, outcome: 'broken' },
      notMeasured: [{ what: evil, why: evil, mend: evil }],
      steps: [{ atMs: 1, node: 'sp1', sentence: evil }],
      alarms: [{ atMs: 1, code: evil, sentence: evil }],
      strips: [{ name: evil, spans: [] }],
      phases: [
        {
          ...{ name: evil, fromMs: 0, toMs: 500 },
          figures: [figure({ what: evil, note: evil, value: 900 })],
        },
      ],
    })
    const page = pageOf(report)
    expect(page).not.toContain('<b onload')
    expect(page).not.toContain('\u001b')
    expect(page.split('&lt;b onload=&quot;x&quot;&gt;&#39;&amp;?[2J').length).toBeGreaterThan(12)
    expect(page).toContain('class="number bad">broken')
  })

  it('marks what got worse', () => {
    const compared = {
      ...{ key: 'outage 10.0.0.50 sp1>sp2', with: 'earlier', before: 2, delta: 40 },
      verdict: 'worse' as const,
    }
    const page = pageOf(reportWith({ compared: [compared] }))
    expect(page).toContain('<td class="warn">+40 ms, worse</td>')
    expect(page).toContain('figures worse than last time')
  })

  it('draws who answered up to where everything answers again', () => {
    const page = pageOf(reportWith())
    // From 150 ms before the beginning, 400 ms after it: 2010 of 1850 to 2400.
    expect(page).toContain('<div class="span sp1" style="left:0.000%;width:29.091%">sp1</div>')
    expect(page).toContain('<div class="span sp2" style="left:31.273%;width:68.727%">sp2</div>')
  })
})
