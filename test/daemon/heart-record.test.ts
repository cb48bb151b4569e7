/**
 * Goal: beside its decisions the heart has the recorder write down what explains an outage. Method: the heart
 * with pretend doors, and what its recorder holds.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Entry, entriesOf } from '../../src/record/entry.ts'
import { copyRing } from '../../src/record/ring.ts'
import { H, HeartStage, MAIN_STALL_MS } from '../helpers/heart-stage.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function entries({ recorder }: HeartStage): Entry[] {
  const slice = recorder.slice(0)
  const span = { begin: slice?.begin.position ?? 0, end: slice?.end ?? 0 }
  const numbers = copyRing(recorder.ring.buffer, span)
  return numbers === null ? [] : [...entriesOf(numbers, slice?.texts ?? [])]
}

function marks(stage: HeartStage): string[] {
  return entries(stage).flatMap((entry) =>
    entry.type === 'mark' ? [`${entry.mark} ${Math.round(entry.value)}`] : [],
  )
}

describe('the recorder of the heart', () => {
  test('has every decision from the start on, and what was done', () => {
    const stage = new HeartStage().becomeActive()
    const read = entries(stage)
    expect(read[0]).toMatchObject({ type: 'step', event: { type: 'start' } })
    const done = read.flatMap((entry) => (entry.type === 'effect' ? [entry.effect.type] : []))
    expect(done.slice(0, 2)).toEqual(['close', 'demote'])
    expect(done).toEqual(expect.arrayContaining(['open', 'extend', 'send', 'ping']))
    expect(read.findLast((entry) => entry.type === 'step')).toMatchObject({
      role: 'active',
      armed: true,
    })
  })

  test('has addresses, announcements and the end', () => {
    const stage = new HeartStage().becomeActive()
    stage.addressesPresent = false
    stage.run(2 * H)
    stage.heart.stop()
    expect(marks(stage)[0]).toBe('addresses 1')
    expect(marks(stage)).toEqual(expect.arrayContaining(['announced 0', 'addresses 0']))
    expect(marks(stage).at(-1)).toBe('stopped 0')
  })

  test('has a pause of the process, and a control thread that stands still', () => {
    const stage = new HeartStage().becomeActive()
    stage.stopProcess(10 * H).run(2 * H)
    const late = entries(stage).find((entry) => entry.type === 'mark' && entry.mark === 'late')
    expect(late).toMatchObject({ value: expect.closeTo(10 * H, -2) })
    stage.controlMoves = false
    stage.run(2 * MAIN_STALL_MS)
    expect(marks(stage)).toContain('stalled 1')
    stage.controlMoves = true
    stage.run(MAIN_STALL_MS)
    expect(marks(stage).filter((mark) => mark.startsWith('stalled'))).toEqual([
      'stalled 1',
      'stalled 0',
    ])
  })
})
