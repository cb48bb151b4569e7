// Goal: a process that is stopped, a zombie or gone is told by its number and name, and none that comes and
// goes. Method: real children.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { childrenOf, lookAtState } from '../../../src/system/process-state.ts'
import { checkOf, runOnce } from '../../helpers/check-case.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) {
    for (const pid of childrenOf(child.pid!)) kill(pid)
    child.kill('SIGKILL')
  }
})

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

async function start(command: string, ...args: string[]): Promise<number> {
  const child = spawn(command, args, { stdio: 'ignore' })
  children.push(child)
  await once(child, 'spawn')
  return child.pid!
}

/** A shell with one child that sleeps. */
async function parent(): Promise<{ pid: number; childPid: number }> {
  const pid = await start('sh', '-c', 'sleep 60; true')
  for (;;) {
    const [childPid] = childrenOf(pid)
    if (childPid !== undefined && lookAtState(childPid)?.name === 'sleep') return { pid, childPid }
    await sleep(5)
  }
}

async function state(pid: number, letter: string): Promise<void> {
  while (lookAtState(pid)?.letter !== letter) await sleep(2)
}

test('processes that run or sleep are well', async () => {
  const { pid, childPid } = await parent()
  expect(await runOnce(checkOf('process', () => [pid, childPid]))).toMatchObject({
    ok: true,
    why: null,
  })
})

test('a stopped process is named, and is well again when it goes on', async () => {
  const pid = await start('sleep', '60')
  const check = checkOf('process', () => [pid, process.pid])
  process.kill(pid, 'SIGSTOP')
  await state(pid, 'T')
  const { ok, why } = await runOnce(check)
  // Our own children are looked at as well, and one of them is the process itself.
  expect(ok).toBe(false)
  expect(why).toMatch(
    new RegExp(
      `^Processes of the service: expected all \\d+ to run, ${pid} \\(sleep\\) is stopped \\(T\\)$`,
    ),
  )
  process.kill(pid, 'SIGCONT')
  await state(pid, 'S')
  expect((await runOnce(check)).ok).toBe(true)
})

test('a stopped child that was not listed is found', async () => {
  const { pid, childPid } = await parent()
  process.kill(childPid, 'SIGSTOP')
  await state(childPid, 'T')
  expect((await runOnce(checkOf('process', () => [pid]))).why).toBe(
    `Processes of the service: expected all 2 to run, ${childPid} (sleep) is stopped (T)`,
  )
})

test('a zombie is told when it stays', async () => {
  // The shell is replaced by a program that never asks for the child it inherits.
  const pid = await start('sh', '-c', 'sleep 60 & exec sleep 60')
  while (childrenOf(pid).length === 0 || lookAtState(pid)?.name !== 'sleep') await sleep(5)
  const [childPid] = childrenOf(pid)
  // It, too, begins as the shell.
  while (lookAtState(childPid!)?.name !== 'sleep') await sleep(5)
  const check = checkOf('process', () => [pid])
  expect((await runOnce(check)).ok).toBe(true)
  kill(childPid!)
  await state(childPid!, 'Z')
  expect((await runOnce(check)).why).toBe(
    `Processes of the service: expected all 2 to run, ${childPid} (sleep) is a zombie (Z)`,
  )
})

test('what is stopped for less than the second look is not told', async () => {
  const pid = await start('sleep', '60')
  process.kill(pid, 'SIGSTOP')
  await state(pid, 'T')
  setTimeout(() => process.kill(pid, 'SIGCONT'), 10)
  expect((await runOnce(checkOf('process', () => [pid]))).ok).toBe(true)
})

test('a service without any process, or with only ones that are gone, is not well', async () => {
  expect((await runOnce(checkOf('process'))).why).toBe(
    'Processes of the service: expected at least one, there is none',
  )
  const pid = await start('true')
  await sleep(50)
  expect((await runOnce(checkOf('process', () => [pid]))).why).toBe(
    `Processes of the service: expected all 1 to run, ${pid} is gone`,
  )
})

test('a helper that came and went is no failure, a process that had been there for long is', async () => {
  const [main, helper] = [await start('sleep', '60'), await start('sleep', '60')]
  const old = process.ppid
  expect(lookAtState(old)!.ageSeconds).toBeGreaterThan(0)
  const check = checkOf('process', () => [main, helper])
  expect((await runOnce(check)).ok).toBe(true)
  kill(helper)
  await sleep(30)
  expect((await runOnce(check)).ok).toBe(true)
  // The same with one that is old enough when it is last seen.
  const settled = await start('sleep', '60')
  const another = checkOf('process', () => [main, settled])
  const ageSeconds = 5 - lookAtState(settled)!.ageSeconds
  await sleep(ageSeconds * 1_000 + 50)
  expect((await runOnce(another)).ok).toBe(true)
  kill(settled)
  await sleep(30)
  expect((await runOnce(another)).why).toBe(
    `Processes of the service: expected all 2 to run, ${settled} (sleep) is gone`,
  )
})

test('many are named in part', async () => {
  const pids = await Promise.all(Array.from({ length: 7 }, () => start('sleep', '60')))
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  await Promise.all(pids.map((pid) => state(pid, 'T')))
  const { why } = await runOnce(checkOf('process', () => pids))
  expect(why?.match(/is stopped/g)).toHaveLength(5)
  expect(why).toMatch(/ and 2 more$/)
})

test('children are those of all threads, and of nobody who is not there', () => {
  expect(childrenOf(2 ** 22 + 1)).toEqual([])
  expect(lookAtState(2 ** 22 + 1)).toBeNull()
  const own = lookAtState(process.pid)!
  expect(readFileSync(`/proc/${own.pid}/comm`, 'utf8').trim()).toBe(own.name)
})
