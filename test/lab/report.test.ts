import { describe, expect, it } from 'vitest'
import { LETTERS, lettersFrom } from '../../src/lab/demand.ts'
import { type Line, readLines } from '../../src/lab/record.ts'
import { renderReport } from '../../src/lab/report.ts'
import { CALM_SEEN, runLine } from '../fixtures/bench-run-line.ts'

const SESSION: Line = {
  kind: 'session',
  session: 'one',
  machine: '2 processors',
  versions: { keepalived: '2.2.7' },
}

describe('the report', () => {
  it('renders what was measured as tables for a README', () => {
    const letters = lettersFrom('fast', { H: 10 })
    const lines: Line[] = [
      SESSION,
      runLine('power-cut'),
      runLine('power-cut', { pair: 'keepalived', during: { ...CALM_SEEN, outageMs: 308 } }),
      runLine('power-cut', { letters }),
      runLine('cpu-load', { letters, told: { pauseMs: 0, activations: 1, leaseEnds: 1 } }),
      {
        kind: 'idle',
        session: 'one',
        pair: 'tandem',
        profile: 'fast',
        letters: LETTERS.fast,
        seconds: 60,
        active: { processes: 2, cpuRatio: 0.0512, rssMiB: 99.6, pssMiB: 80.2 },
        standby: null,
        trouble: [],
      },
    ]
    const { text, kept } = renderReport(lines)
    expect(kept).toBe(true)
    expect(
      text,
    ).toBe(`Measured on 2 processors. Outages in ms, beyond the longest silence of the control address in the same run; min / median / max.

| fault, profile \`fast\` unless noted | required | measured | runs | kept |
| --- | --- | --- | --- | --- |
| power cut of the active | median 280 ms, max 450 ms | 220 / 220 / 220 ms | 1 | yes |
| the same beside keepalived, advert_int 0.1 | ratio of the medians below 0.85 | 0.73 | 1 | yes |
| the dead node joins again | no move back, no outage over 50 ms | at most 0 ms | 1 | yes |
| idle, \`fast\`, the dearer node | 6 % of one core, 128 MiB resident | 5.1 % of one core, 100 MiB | 1 | yes |
| both nodes serving, all runs together | never | never | 3 | yes |

| side by side, in turns | Tandem | keepalived 2.2.7, advert_int 0.1 |
| --- | --- | --- |
| power cut of the active, then it boots again | 220 / 220 / 220 (1 runs) | 300 / 300 / 300 (1 runs) |

| H / S / L / M | power cut | the dead node joins again | 8 busy loops at normal priority | 10 % loss between the nodes on all paths | 30 % loss between the nodes on all paths |
| --- | --- | --- | --- | --- | --- |
| 20 / 60 / 100 / 40 | 220 / 220 / 220 (1 runs) | 0 / 0 / 0 | - | - | - |
| 10 / 30 / 50 / 20 | 220 / 220 / 220 (1 runs) | 0 / 0 / 0 | 1 role changes, 1 lease ends in 60 s | - | - |

| idle | of one core | resident MiB | PSS MiB | processes |
| --- | --- | --- | --- | --- |
| Tandem, \`fast\`, active | 5.12 % | 100 | 80 | 2 |
`)
  })

  it('is not kept where a row is not, and says what broke at its end', () => {
    const during = { ...CALM_SEEN, outageMs: 508, moves: 1 }
    const { text, kept } = renderReport([runLine('power-cut', { during })])
    expect(kept).toBe(false)
    expect(text).toContain('| 500 / 500 / 500 ms | 1 | **no** |')
    expect(text.split('\n').slice(-3)).toEqual([
      '- NOT KEPT, power cut of the active: median 500 ms',
      '- NOT KEPT, power cut of the active: run 1: outage 500 ms (no pause recorded)',
      '',
    ])
  })

  it('holds faults without a required figure against PROTOCOL, run by run', () => {
    const kept = (failures: string[]): boolean =>
      renderReport([runLine('ping-node-dead', { failures })]).kept
    expect([kept([]), kept(['moved 1 times, allowed 0'])]).toEqual([true, false])
  })
})

describe('recorded lines', () => {
  it('are read back, but for a last one that was cut short', () => {
    const whole = JSON.stringify(runLine('power-cut'))
    expect(readLines(`${JSON.stringify(SESSION)}\n${whole}\n${whole.slice(0, 50)}`, 'f')).toEqual([
      SESSION,
      runLine('power-cut'),
    ])
  })

  it('name file and line of one that is not theirs', () => {
    expect(() => readLines('{"kind":"other"}\n', 'f.jsonl')).toThrow(
      'f.jsonl, line 1: not a line of the bench (kind other)',
    )
  })
})
