// Goal: what belongs to a process is found, also when that has ended, and nothing else ever is. Method:
// tables made up, and real sessions.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { lookAtProcess } from '../../src/system/process.ts'
import {
  carriesVariable,
  familyOf,
  killAll,
  type ProcessRow,
  parseProcessRow,
  processTable,
  sharedTable,
} from '../../src/system/process-table.ts'
import { until } from '../helpers/until.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // Ended by the test.
    }
  }
})

function row(pid: number, more: Partial<ProcessRow> = {}): ProcessRow {
  return { pid, parent: 1, group: pid, session: pid, startTicks: 1000, over: false, ...more }
}

const LEADER = { pid: 50, startTicks: 1000 }
const pidsOf = (table: ProcessRow[]): number[] => familyOf(LEADER, table).map(({ pid }) => pid)

test('all of a session, of a group and of a line of descent belong to it, itself first', () => {
  const table = [
    row(40),
    row(45, { session: 50, startTicks: 1001 }),
    row(50),
    row(51, { group: 50, session: 9 }),
    row(52, { parent: 51, startTicks: 1002 }),
    row(53, { parent: 52, startTicks: 1003 }),
    row(60, { parent: 40 }),
  ]
  expect(pidsOf(table)).toEqual([50, 45, 51, 52, 53])
})

test('when it has ended, its session is still its own', () => {
  expect(pidsOf([row(51, { session: 50, startTicks: 1001 })])).toEqual([51])
})

test('when its id is used again, nothing belongs to it', () => {
  expect(pidsOf([row(50, { startTicks: 2000 }), row(51, { session: 50 })])).toEqual([])
})

test('who is older than it is not of it, and who is over is left out', () => {
  const older = row(49, { session: 50, startTicks: 999 })
  expect(pidsOf([row(50, { over: true }), older, row(51, { session: 50 })])).toEqual([51])
})

test('a line of the kernel is read whatever the name holds; a dead first thread is not the end', () => {
  const line = (state: string, threads: number): string =>
    `7 (a) (b) c) ${state} 3 5 6 0 -1 4 0 0 0 0 0 0 0 0 20 0 ${threads} 0 777 0 0`
  const read = { pid: 7, parent: 3, group: 5, session: 6, startTicks: 777 }
  expect(parseProcessRow(line('S', 1))).toEqual({ ...read, over: false })
  expect(parseProcessRow(line('Z', 1))).toEqual({ ...read, over: true })
  expect(parseProcessRow(line('Z', 2))).toEqual({ ...read, over: false })
  expect(['', 'x', '7 (a) S 1', '(7) 8 9'].map(parseProcessRow)).toEqual([null, null, null, null])
})

test('everything of a session is killed, also what ignores SIGTERM and what lost its parent', async () => {
  const script = `trap '' TERM; (sleep 60 & sleep 60 & exec sleep 60) & kill -9 $$`
  const child = spawn('sh', ['-c', `sleep 60 & ${script}`], { detached: true, stdio: 'ignore' })
  children.push(child)
  const sight = lookAtProcess(child.pid!)!
  await once(child, 'exit')
  const family = (): ProcessRow[] => familyOf(sight, processTable())
  await until(async () => family().length === 4)
  expect(await killAll(family, 2000)).toEqual([])
  expect(family()).toEqual([])
})

test('a variable that a process was started with is found in full only', async () => {
  const child = spawn('sleep', ['60'], { env: { MARK: 'lb /x.log' }, detached: true })
  children.push(child)
  await once(child, 'spawn')
  const { pid } = child
  expect(carriesVariable(pid!, 'MARK', 'lb /x.log')).toBe(true)
  expect(carriesVariable(pid!, 'MARK', 'lb /x')).toBe(false)
  expect(carriesVariable(2 ** 22 + 1, 'MARK', 'lb')).toBe(false)
})

test('a table is shared for a moment, but not with a process that is newer than it', async () => {
  const first = spawn('sleep', ['60'], { detached: true })
  children.push(first)
  const one = lookAtProcess(first.pid!)!
  const table = sharedTable(one)
  expect(sharedTable(one)).toBe(table)
  const later = spawn('sleep', ['60'], { detached: true })
  children.push(later)
  const fresh = sharedTable(lookAtProcess(later.pid!)!)
  expect(fresh).not.toBe(table)
  expect(sharedTable(one)).toBe(fresh)
  await new Promise((resolve) => setTimeout(resolve, 120))
  expect(sharedTable(one)).not.toBe(fresh)
})
