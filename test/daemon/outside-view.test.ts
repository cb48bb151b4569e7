import { describe, expect, it } from 'vitest'
import { OutsideView } from '../../src/daemon/outside-view.ts'
import type { Check } from '../../src/resources/checks/check.ts'

/** Rounds of a view whose check answers so; what it tells after each. */
async function rounds(
  answers: readonly (string | null)[],
  watches: (round: number) => boolean,
  { onRun, ...pace }: Pick<Check, 'everyMs'> & { onRun?: (round: number) => void } = {},
) {
  let round = 0
  let go: () => void = () => undefined
  const check: Check = {
    label: 'sip udp:10.0.0.50:5060',
    ...pace,
    run: async () => {
      onRun?.(round)
      const why = answers[round - 1] ?? null
      return { ok: why === null, durationMs: 1, why }
    },
    close: () => undefined,
  }
  const view = new OutsideView({
    checks: [check],
    watches: () => watches(round),
    now: () => 5_000 * round,
    wait: () =>
      new Promise((resolve) => {
        go = resolve
      }),
    changed: () => undefined,
  })
  view.start()
  const told: (string | null)[][] = []
  for (round = 1; round <= answers.length; round += 1) {
    go()
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
    told.push(view.findings.map(({ why }) => why))
  }
  view.stop()
  return told
}

describe('the view from outside', () => {
  it('tells what was missed twice in a row, and that it is over', async () => {
    expect(await rounds(['silence', null, 'silence', 'silence', null], () => true)).toEqual([
      [null],
      [null],
      [null],
      ['silence'],
      [null],
    ])
  })

  it('is nothing while this node serves, or nobody does', async () => {
    const answers = ['silence', 'silence', 'silence', 'silence']
    expect(await rounds(answers, (round) => round !== 3)).toEqual([[null], ['silence'], [], [null]])
  })

  it('asks what is dear seldom, but soon after a move and after a first miss', async () => {
    const asked: number[] = []
    const answers = ['silence', null, null, null, null, 'silence', null]
    const told = await rounds(answers, (round) => round !== 6, {
      everyMs: 15_000,
      onRun: (round) => asked.push(round),
    })
    expect(asked).toEqual([1, 2, 5, 7])
    expect(told).toEqual([[null], [null], [null], [null], [null], [], [null]])
  })
})
