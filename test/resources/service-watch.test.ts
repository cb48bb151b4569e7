// Goal: the end of a process is told once, by whatever means, and never that of another. Method: real
// children; the kernel's word replaced where it is to fail.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { MainWatch, type WatchProcess } from '../../src/resources/service-watch.ts'
import { lookAtProcess, type ProcessIdentity } from '../../src/system/process.ts'
import { until } from '../helpers/until.ts'

const children: ChildProcess[] = []
const watches: MainWatch[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const watch of watches.splice(0)) watch.close()
})

async function sleeper(): Promise<{ child: ChildProcess; identity: ProcessIdentity }> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  children.push(child)
  await once(child, 'spawn')
  const { pid, startTicks } = lookAtProcess(child.pid!)!
  return { child, identity: { pid, startTicks } }
}

function watching(door?: WatchProcess): { watch: MainWatch; ends: ProcessIdentity[] } {
  const watch = new MainWatch(door)
  const ends: ProcessIdentity[] = []
  watch.onEnd((ended) => ends.push(ended))
  watches.push(watch)
  return { watch, ends }
}

const cannot: WatchProcess = () => {
  throw new Error('ENOSYS')
}

test.each([
  ['by the kernel', undefined, 100],
  ['by looking, where the kernel does not tell', cannot, 500],
] as const)('the end is told once, %s', async (_how, door, withinMs) => {
  const { child, identity } = await sleeper()
  const { watch, ends } = watching(door)
  watch.follow(identity)
  watch.follow({ ...identity })
  child.kill('SIGKILL')
  const killedMs = performance.now()
  await until(async () => ends.length > 0, 2000)
  expect(performance.now() - killedMs).toBeLessThan(withinMs)
  expect([ends, watch.followed]).toEqual([[identity], null])
})

test('one that ended before it was followed is told as well', async () => {
  const { child, identity } = await sleeper()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { watch, ends } = watching()
  watch.follow(identity)
  await until(async () => ends.length > 0, 2000)
  expect(ends).toEqual([identity])
})

test('another process of that id is not taken for it', async () => {
  const { identity } = await sleeper()
  const gone = { ...identity, startTicks: identity.startTicks - 1 }
  const { watch, ends } = watching()
  watch.follow(gone)
  await until(async () => ends.length > 0, 2000)
  expect(ends).toEqual([gone])
})

test('when the next one is followed, the end of the one before is not lost', async () => {
  const [first, second] = [await sleeper(), await sleeper()]
  const { watch, ends } = watching(() => ({ close: () => undefined }))
  watch.follow(first.identity)
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  watch.follow(second.identity)
  expect([ends, watch.followed]).toEqual([[first.identity], second.identity])
})

test('after it was closed nobody is told', async () => {
  const { child, identity } = await sleeper()
  const { watch, ends } = watching()
  watch.follow(identity)
  watch.close()
  child.kill('SIGKILL')
  await once(child, 'exit')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(ends).toEqual([])
})
