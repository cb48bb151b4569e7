// Goal: the end of any process is told at once and once, in workers too, and nothing is left open; nothing
// of ours reaches what we start. Method: the real add-on, real processes, descriptors counted.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { errorCode, sealDescriptors, watchProcess } from '../../src/system/native.ts'
import { until } from '../helpers/until.ts'

const ADD_ON = join(import.meta.dirname, '../../src/system/native/build/Release/tandem.node')

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

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

test('the end of a process is told at once, and once', async () => {
  const child = await sleeper()
  let ends = 0
  const watch = watchProcess(child.pid!, () => {
    ends += 1
  })
  await sleep(20)
  expect(ends).toBe(0)
  const killedMs = performance.now()
  child.kill('SIGKILL')
  await until(async () => ends > 0, 2000)
  expect(performance.now() - killedMs).toBeLessThan(150)
  watch.close()
  watch.close()
  await sleep(20)
  expect(ends).toBe(1)
})

test('one whose parent is somebody else is told as well', async () => {
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'])
  children.push(parent)
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(String(line))
  let ended = false
  watchProcess(pid, () => {
    ended = true
  })
  process.kill(pid, 'SIGKILL')
  await until(async () => ended, 2000)
})

test('who is closed is not told, and hundreds of them leave no descriptor behind', async () => {
  const child = await sleeper()
  const before = descriptors()
  let ends = 0
  for (let round = 0; round < 300; round += 1) {
    const watch = watchProcess(child.pid!, () => {
      ends += 1
    })
    watch.close()
    if (round % 50 === 0) await sleep(1)
  }
  const open = Array.from({ length: 20 }, () =>
    watchProcess(child.pid!, () => {
      ends += 1
    }),
  )
  expect(open).toHaveLength(20)
  child.kill('SIGKILL')
  await until(async () => ends === 20, 2000)
  await sleep(20)
  expect([ends, descriptors()]).toEqual([20, before])
})

test('a process that is not there is an error, and so is what is no process', () => {
  const codeOf = (pid: number): string => {
    try {
      watchProcess(pid, () => undefined)
      return 'no error'
    } catch (error) {
      return errorCode(error)
    }
  }
  expect([2 ** 22 + 1, 0, -1].map(codeOf)).toEqual(['ESRCH', 'EINVAL', 'EINVAL'])
})

test('it works in a worker, which may end while it watches', async () => {
  const [first, second] = [await sleeper(), await sleeper()]
  const before = descriptors()
  const script = `
    const { parentPort, workerData } = require('node:worker_threads')
    const addOn = require(${JSON.stringify(ADD_ON)})
    addOn.watchProcess(workerData[0], () => parentPort.postMessage('ended'))
    addOn.watchProcess(workerData[1], () => parentPort.postMessage('never'))
    parentPort.postMessage('watching')`
  const worker = new Worker(script, { eval: true, workerData: [first.pid, second.pid] })
  const said: string[] = []
  worker.on('message', (word: string) => said.push(word))
  await until(async () => said.includes('watching'), 5000)
  first.kill('SIGKILL')
  await until(async () => said.includes('ended'), 2000)
  await worker.terminate()
  second.kill('SIGKILL')
  await once(second, 'exit')
  expect(said).toEqual(['watching', 'ended'])
  // The loop of a worker opens some of its own, all of which go.
  await until(async () => descriptors() <= before, 2000)
})

test('a descriptor that a library left open to programs is closed to them', async () => {
  // Python opens one that is inherited and starts us; Node itself opens none so.
  const inner = `
    const addOn = require(${JSON.stringify(ADD_ON)})
    const list = () => require('node:child_process')
      .execFileSync('readlink', ['-f', '/proc/self/fd/77'], { encoding: 'utf8' }).trim()
    const before = list()
    addOn.sealDescriptors()
    console.log(before, list())`
  const outer = `
import os, sys
os.dup2(os.open('/etc/hosts', os.O_RDONLY), 77)
os.set_inheritable(77, True)
os.execvp(sys.argv[1], sys.argv[1:])`
  const said = execFileSync('python3', ['-c', outer, process.execPath, '-e', inner], {
    encoding: 'utf8',
  })
  expect(said).toMatch(/^\/etc\/hosts \/proc\/\d+\/fd\/77\n$/)
  sealDescriptors()
})
