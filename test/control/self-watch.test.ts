/**
 * Goal: an agent that stands still again and again, or whose clock was set, says so, once and for as long as it is
 * so. Method: looks as the control thread takes them, every two seconds.
 */
import { describe, expect, test } from 'vitest'
import { SelfWatch } from '../../src/control/self-watch.ts'

const NOON_MS = Date.UTC(2026, 0, 2, 12)
const GAP_MS = 40

function watching() {
  const watch = new SelfWatch(GAP_MS)
  let nowMs = 1_000
  let pauses = 3
  let setByMs = 0
  /** Looks for so long, with so many pauses in all. */
  const pass = (ms: number, more = 0, lastMinuteMs = 0): void => {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += 2_000
      pauses += more
      more = 0
      const lateness = { worst: null, lastMinuteMs, pauses }
      watch.look({ nowMs, wallMs: NOON_MS + nowMs + setByMs, lateness })
    }
  }
  const set = (ms: number): void => {
    setByMs += ms
  }
  return { watch, pass, set, codes: () => watch.raised.map(({ code }) => code) }
}

describe('an agent that watches itself', () => {
  test('says nothing while all is well, and of pauses from before it looked', () => {
    const { watch, pass } = watching()
    pass(60_000)
    expect([watch.raised, watch.told]).toEqual([[], []])
  })

  test('tells of few pauses when it is asked, and raises an alarm for many', () => {
    const { watch, pass, codes } = watching()
    pass(10_000)
    pass(2_000, 9, 71.4)
    expect(codes()).toEqual([])
    expect(watch.told).toEqual([
      'it stood still 9 times within ten minutes for longer than 40 ms; each time what it had taken for ' +
        'silence of the peer counted anew',
      'within the last minute its loop was 71 ms late',
    ])
    pass(2_000, 1)
    expect(watch.raised).toEqual([
      {
        ...{ code: 'agent-late', about: '' },
        sentence: 'this agent stands still again and again, for longer than 40 ms',
      },
    ])
  })

  test('takes the alarm back when half of them are over', () => {
    const { pass, codes } = watching()
    pass(2_000)
    pass(2_000, 5)
    pass(300_000)
    pass(2_000, 5)
    expect(codes()).toEqual(['agent-late'])
    // The first five are older than ten minutes: five are left, and then none.
    pass(298_000)
    expect(codes()).toEqual(['agent-late'])
    pass(310_000)
    expect(codes()).toEqual([])
  })

  test('says for ten minutes that the clock was set, and nothing of one that is slewed', () => {
    const { watch, pass, set, codes } = watching()
    pass(10_000)
    for (let turn = 0; turn < 100; turn += 1) {
      set(1)
      pass(2_000)
    }
    expect(codes()).toEqual([])
    set(-3_200)
    pass(2_000)
    expect(watch.raised).toEqual([
      {
        ...{ code: 'clock-jumped', about: '' },
        sentence: 'the clock of this machine jumped by -3.2 s before 2026-01-02T12:03:29.900Z',
      },
    ])
    expect(watch.told[0]).toContain('its clock jumped by -3.2 s')
    pass(590_000)
    expect(codes()).toEqual(['clock-jumped'])
    pass(20_000)
    expect([codes(), watch.told]).toEqual([[], []])
  })
})
