import { describe, expect, it } from 'vitest'
import {
  countMoves,
  dualActive,
  longestSilence,
  type Probe,
  probesWithin,
  servingSpans,
  silences,
  spread,
} from '../../src/lab/outage.ts'

/** Questions every 5 ms, each answered 1 ms later. */
function answered(by: string, fromMs: number, toMs: number): Probe[] {
  const probes: Probe[] = []
  for (let sentMs = fromMs; sentMs < toMs; sentMs += 5) {
    probes.push({ sentMs, answeredMs: sentMs + 1, by })
  }
  return probes
}

function unanswered(fromMs: number, toMs: number): Probe[] {
  return answered('', fromMs, toMs).map(({ sentMs }) => ({ sentMs, answeredMs: null, by: null }))
}

describe('silences', () => {
  it('are measured from the last answer of one node to the first of the next', () => {
    const probes = [
      ...answered('sp1', 0, 100),
      ...unanswered(100, 350),
      ...answered('sp2', 350, 500),
    ]
    expect(longestSilence(probes, { fromMs: 98, toMs: 490 })).toEqual({
      fromMs: 96,
      toMs: 351,
      ms: 255,
      ended: true,
    })
  })

  it('that began before the window count from where they began', () => {
    const probes = [...answered('sp1', 0, 100), ...answered('sp1', 200, 300)]
    expect(longestSilence(probes, { fromMs: 150, toMs: 290 }).ms).toBe(105)
  })

  it('that outlast the window are told as not over, up to its end', () => {
    const probes = [...answered('sp1', 0, 100), ...answered('sp1', 900, 1000)]
    expect(longestSilence(probes, { fromMs: 50, toMs: 500 })).toEqual({
      fromMs: 96,
      toMs: 500,
      ms: 404,
      ended: false,
    })
    expect(longestSilence(answered('sp1', 0, 100), { fromMs: 50, toMs: 500 }).ended).toBe(false)
  })

  it('span the whole window when nothing was ever heard', () => {
    expect(longestSilence([], { fromMs: 10, toMs: 60 })).toEqual({
      fromMs: 10,
      toMs: 60,
      ms: 50,
      ended: false,
    })
  })

  it('are listed only when longer than the threshold', () => {
    const probes = [
      ...answered('sp1', 0, 50),
      ...answered('sp1', 80, 120),
      ...answered('sp1', 220, 300),
    ]
    const found = silences(probes, { fromMs: 0, toMs: 296 }, 20)
    expect(found.map((silence) => silence.ms)).toEqual([35, 105])
  })

  it('do not depend on the order in which answers were written down', () => {
    const probes = [...answered('sp1', 0, 100), ...answered('sp2', 300, 400)].reverse()
    expect(longestSilence(probes, { fromMs: 50, toMs: 390 }).ms).toBe(205)
  })
})

describe('serving spans', () => {
  it('are certain from the first answer to the last question only', () => {
    const probes = [...answered('sp1', 0, 20), ...unanswered(20, 40), ...answered('sp1', 40, 60)]
    expect(servingSpans(probes)).toEqual([
      { by: 'sp1', fromMs: 1, toMs: 15, firstSentMs: 0, lastAnsweredMs: 16, answers: 4 },
      { by: 'sp1', fromMs: 41, toMs: 55, firstSentMs: 40, lastAnsweredMs: 56, answers: 4 },
    ])
  })

  it('go on across unanswered questions shorter than what is bridged', () => {
    const probes = [...answered('sp1', 0, 20), ...unanswered(20, 40), ...answered('sp1', 40, 60)]
    expect(servingSpans(probes, 25)).toHaveLength(1)
    expect(servingSpans(probes, 20)).toHaveLength(2)
  })

  it('end where another node answers', () => {
    const probes = [...answered('sp1', 0, 20), ...answered('sp2', 20, 40)]
    expect(servingSpans(probes, 1000).map((span) => span.by)).toEqual(['sp1', 'sp2'])
  })
})

describe('dual active', () => {
  const nobody = { ms: 0, proofs: 0, window: null }

  it('is not claimed for a handover, however quick', () => {
    const ours = { probes: [...answered('sp1', 0, 100), ...unanswered(100, 200)] }
    const theirs = { probes: [...unanswered(0, 101), ...answered('sp2', 101, 200)] }
    expect(dualActive(ours, theirs)).toEqual(nobody)
  })

  it('is measured where the certain spans of both nodes overlap', () => {
    const ours = { probes: answered('sp1', 0, 100) }
    const theirs = { probes: answered('sp2', 52, 200) }
    // sp1 certainly served until its last answered question at 95, sp2 from its answer at 53.
    expect(dualActive(ours, theirs)).toMatchObject({ ms: 42, window: { fromMs: 52, toMs: 96 } })
  })

  it('is proven by a single answer within a span of the other', () => {
    const ours = { probes: answered('sp1', 0, 100) }
    const theirs = { probes: [{ sentMs: 42, answeredMs: 43, by: 'sp2' }] }
    expect(dualActive(ours, theirs)).toEqual({ ms: 0, proofs: 1, window: { fromMs: 42, toMs: 43 } })
  })

  it('is not proven by an answer that straddles the end of the span of the other', () => {
    const ours = { probes: answered('sp1', 0, 100) }
    const theirs = { probes: [{ sentMs: 94, answeredMs: 97, by: 'sp2' }] }
    expect(dualActive(ours, theirs)).toEqual(nobody)
  })
})

describe('counting and summing up', () => {
  it('counts each change of the node that answers, in the order of the questions', () => {
    const probes = [
      ...answered('sp2', 30, 40),
      ...answered('sp1', 0, 20),
      ...unanswered(20, 30),
      ...answered('sp1', 40, 50),
    ]
    expect(countMoves(probes)).toBe(2)
    expect(countMoves([])).toBe(0)
  })

  it('keeps the questions of a window', () => {
    const window = { fromMs: 10, toMs: 20 }
    expect(probesWithin(answered('sp1', 0, 40), window).map((probe) => probe.sentMs)).toEqual([
      10, 15, 20,
    ])
  })

  it('gives smallest, middle and largest, and nothing of nothing', () => {
    expect(spread([5, 1, 9, 3])).toEqual({ min: 1, median: 5, max: 9 })
    expect(spread([])).toBeNull()
  })
})
