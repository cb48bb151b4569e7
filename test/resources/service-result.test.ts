// Goal: calls that change a service come one after another and end in time; faults are one line.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  answer,
  becomes,
  graceOf,
  inTime,
  ServiceFailure,
  Turns,
  tellingLine,
} from '../../src/resources/service-result.ts'
import { Limit } from '../../src/resources/store-result.ts'

test('a fault becomes a value, a mistake of ours does not', async () => {
  const fault = await answer(100, async () => {
    throw new ServiceFailure('HA_SERVICE_FAILED', 'no')
  })
  expect(fault).toEqual({
    ok: false,
    fault: { code: 'HA_SERVICE_FAILED', message: 'no' },
    durationMs: expect.any(Number),
  })
  const mistake = answer(100, async () => {
    throw new TypeError('ours')
  })
  await expect(mistake).rejects.toThrow('ours')
})

test('calls are carried out in the order they came, and a failed one does not hold up the next', async () => {
  const turns = new Turns()
  const done: string[] = []
  const work = (name: string, ms: number) => async () => {
    await sleep(ms)
    done.push(name)
    if (name === 'first') throw new Error('first failed')
  }
  const first = turns.take(new Limit(1000), 'first', work('first', 30))
  const second = turns.take(new Limit(1000), 'second', work('second', 0))
  await expect(first).rejects.toThrow('first failed')
  await second
  expect(done).toEqual(['first', 'second'])
})

test('who waits longer than its limit for its turn is told so and changes nothing', async () => {
  const turns = new Turns()
  const done: string[] = []
  const slow = turns.take(new Limit(1000), 'slow', () => sleep(120))
  const late = turns.take(new Limit(20), 'stop of lb', async () => void done.push('late'))
  await expect(late).rejects.toThrow(
    'stop of lb: an earlier start or stop of it was still under way after 20 ms',
  )
  await turns.take(new Limit(1000), 'after', async () => void done.push('after'))
  await slow
  expect(done).toEqual(['after'])
})

test('work that hangs ends at the limit all the same', async () => {
  const hung = answer(50, (limit) =>
    inTime(limit, 'start of lb', new Promise<void>(() => undefined)),
  )
  expect(await hung).toMatchObject({
    ok: false,
    fault: { code: 'HA_SERVICE_TIMEOUT', message: 'start of lb was not done after 50 ms' },
  })
})

test('a question that never comes true ends in time', async () => {
  expect(await becomes(() => false, { withinMs: 30, everyMs: 5 })).toBe(false)
  expect(await becomes(() => true, { withinMs: 0, everyMs: 5 })).toBe(true)
})

test('a second is kept for SIGKILL, or half of what is left when that is little', () => {
  expect(Math.round(graceOf(new Limit(10_000)))).toBe(9000)
  expect(Math.round(graceOf(new Limit(10_000), 300))).toBe(300)
  expect(Math.round(graceOf(new Limit(400)))).toBe(200)
})

test('the line that names an error is preferred to the last one, and control characters are gone', () => {
  expect(tellingLine('INFO: a\nERROR: \u001b[1mbad\u0007 thing\nINFO: b\n\n')).toBe(
    'ERROR:  [1mbad  thing',
  )
  expect(tellingLine('one\r\ntwo\r\n')).toBe('two')
  expect(tellingLine('')).toBe('')
  expect(tellingLine('x'.repeat(1000))).toHaveLength(300)
})
