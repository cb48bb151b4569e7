// Goal: the third look in a row over a limit is a failure, and no look before it. Method: looks made up,
// and one of the real machine.
import { expect, test } from 'vitest'
import type { CheckConfig } from '../../../src/config/check-text.ts'
import { usageCheck } from '../../../src/resources/checks/usage.ts'
import type { UsageLook } from '../../../src/system/usage.ts'
import { checkOf, configOf, runOnce } from '../../helpers/check-case.ts'

const MIB = 1024 * 1024
type UsageConfig = CheckConfig & { kind: 'usage' }

/** A machine with processes 1 and 2 of the service and 3 of somebody else. */
function machine(text: string) {
  let look: UsageLook | null = null
  let number = 0
  const check = usageCheck(
    configOf(text) as UsageConfig,
    { processes: () => [1, 2] },
    async () => look,
  )
  return {
    check,
    fails: () => {
      look = null
    },
    uses: (memoryMb: number, cpuPercent: number | null) => {
      const half = {
        memoryBytes: (memoryMb * MIB) / 2,
        cpuPercent: cpuPercent === null ? null : cpuPercent / 2,
      }
      number += 1
      const processes = new Map([
        [1, half],
        [2, half],
        [3, { memoryBytes: 9_999 * MIB, cpuPercent: 100 }],
      ])
      look = { number, processes }
    },
  }
}

test('the third look in a row over the limit is a failure, one within it begins anew', async () => {
  const { check, uses } = machine('usage memory 512 MB')
  const said: [boolean, string | null][] = []
  for (const memoryMb of [500, 600, 600, 512, 600, 601, 602, 603, 100]) {
    uses(memoryMb, 100)
    const { ok, why } = await runOnce(check)
    said.push([ok, why])
  }
  const over = (came: number): string =>
    `Usage of the service: expected memory up to 512 MB, came ${came} MB`
  expect(said).toEqual([
    [true, null],
    [true, `${over(600)}, look 1 of 3`],
    [true, `${over(600)}, look 2 of 3`],
    [true, null],
    [true, `${over(600)}, look 1 of 3`],
    [true, `${over(601)}, look 2 of 3`],
    [false, `${over(602)}, 3 looks in a row`],
    [false, `${over(603)}, 4 looks in a row`],
    [true, null],
  ])
})

test('the same look counts once, however often it is asked for', async () => {
  const { check, uses } = machine('usage memory 512 MB')
  uses(600, null)
  for (let count = 0; count < 9; count += 1) expect((await runOnce(check)).ok).toBe(true)
})

test('the processor is counted too, where it is known, and both are told', async () => {
  const { check, uses } = machine('usage memory 512 MB cpu 90%')
  uses(100, null)
  expect((await runOnce(check)).why).toBeNull()
  uses(100, 90)
  expect((await runOnce(check)).why).toBeNull()
  uses(513, 95.5)
  expect((await runOnce(check)).why).toBe(
    'Usage of the service: expected memory up to 512 MB, came 513 MB, and CPU up to 90%, came 95.5%, look 1 of 3',
  )
})

test('what cannot be measured is told and no failure', async () => {
  const { check, uses, fails } = machine('usage memory 512 MB')
  fails()
  expect(await runOnce(check)).toMatchObject({
    ok: true,
    why: 'Usage of the service: not measured, processes cannot be listed',
  })
  uses(600, null)
  expect((await runOnce(check)).why).toMatch(/look 1 of 3$/)
  const hanging = usageCheck(
    configOf('usage cpu 90%') as UsageConfig,
    { processes: () => [] },
    () => new Promise(() => undefined),
  )
  expect(await runOnce(hanging, 100)).toMatchObject({
    ok: true,
    why: 'Usage of the service: not measured, no answer within 100 ms',
  })
})

test('the memory of this very process is measured', async () => {
  const over = checkOf('usage memory 1 MB', () => [process.pid])
  expect((await runOnce(over, 10_000)).why).toMatch(
    /^Usage of the service: expected memory up to 1 MB, came \d+ MB, look 1 of 3$/,
  )
  const within = checkOf('usage memory 100000 MB', () => [process.pid])
  expect((await runOnce(within, 10_000)).why).toBeNull()
})
