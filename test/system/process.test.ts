// Goal: exactly the process that was meant is ended, or none. Method: real children, and lines of
// /proc as the kernel writes them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import {
  killProcess,
  lookAtProcess,
  parseProcessStat,
  processRuns,
} from '../../src/system/process.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function sleeper(): Promise<ChildProcess> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  children.push(child)
  await once(child, 'spawn')
  return child
}

test('a process with the same id that started at another moment is left alone', async () => {
  const child = await sleeper()
  const sight = lookAtProcess(child.pid!)!
  expect(await killProcess({ pid: sight.pid, startTicks: sight.startTicks - 1 }, 500)).toBe('gone')
  expect(processRuns(sight)).toBe(true)
})

test('the very process is ended, also when it is stopped, and that it was gone before is told', async () => {
  const child = await sleeper()
  const sight = lookAtProcess(child.pid!)!
  child.kill('SIGSTOP')
  expect(await killProcess(sight, 2000)).toBe('ended')
  expect(processRuns(sight)).toBe(false)
  expect(await killProcess(sight, 2000)).toBe('gone')
})

test('a name with spaces and parentheses does not shift the fields', () => {
  const rest = `S ${Array.from({ length: 18 }, (_, index) => index).join(' ')} 12300 0 0`
  expect(parseProcessStat(`42 (a) b (c)) ${rest}`, 200)).toEqual({
    pid: 42,
    name: 'a) b (c)',
    zombie: false,
    startTicks: 12300,
    ageSeconds: 77,
  })
  expect(parseProcessStat('nonsense', 1)).toBeNull()
})

test('what is no process id is nobody', () => {
  expect([0, -1, 1.5, Number.NaN, 2 ** 22 + 1].map((pid) => lookAtProcess(pid))).toEqual([
    null,
    null,
    null,
    null,
    null,
  ])
})
