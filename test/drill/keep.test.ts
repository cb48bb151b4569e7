/** Goal: reports are kept whole, in order, and not for ever; what is none of ours is passed over. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DrillReports, idOf, KEPT_MAX } from '../../src/drill/keep.ts'
import { reportWith } from '../fixtures/drill-report.ts'

let directory: string
let reports: DrillReports
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-drills-'))
  reports = new DrillReports(directory)
  expect(await reports.prepare()).toBeNull()
})
afterEach(() => rmSync(directory, { recursive: true }))

const idAt = (minute: number): string =>
  idOf(new Date(Date.UTC(2026, 10, 30, 12, minute, 1, 500)), 'switchover')

it('gives back what was kept, newest first, the last one by name', async () => {
  expect(idAt(0)).toBe('20261130T120001Z-switchover')
  for (const minute of [0, 2, 1])
    expect(await reports.keep(reportWith({ id: idAt(minute) }))).toBe(null)
  expect(await reports.ids()).toEqual({ ok: true, value: [idAt(2), idAt(1), idAt(0)] })
  expect(await reports.read('last')).toEqual({ ok: true, value: reportWith({ id: idAt(2) }) })
  expect((await reports.all()).map(({ id }) => id)).toEqual([idAt(2), idAt(1), idAt(0)])
})

it('keeps a bounded number of them', async () => {
  for (let minute = 0; minute < KEPT_MAX + 3; minute += 1) {
    await reports.keep(reportWith({ id: idAt(minute) }))
  }
  const names = readdirSync(join(directory, 'drills'))
  expect(names).toHaveLength(KEPT_MAX)
  expect(names).not.toContain(`${idAt(2)}.json`)
})

it('passes over what it cannot read, and names it when it is asked for', async () => {
  await reports.keep(reportWith({ id: idAt(0) }))
  writeFileSync(join(directory, 'drills', `${idAt(1)}.json`), '{"schema":1')
  writeFileSync(join(directory, 'drills', `${idAt(2)}.json`), '{"schema":2}')
  expect((await reports.all()).map(({ id }) => id)).toEqual([idAt(0)])
  const read = await reports.read(idAt(1))
  expect(read).toMatchObject({ ok: false, message: expect.stringContaining('is no report') })
  expect(await new DrillReports(join(directory, 'none')).ids()).toEqual({ ok: true, value: [] })
})
