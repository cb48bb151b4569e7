/**
 * Goal: a watchdog is fed, stopped and left as the kernel wants it, and nothing that is none comes to harm. Method: no
 * device is there to be tried, so a FIFO stands in for it, with what was written read at its other end; it knows no
 * question (ENOTTY), as some old drivers do. One that answers is the C library's ioctl replaced.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openWatchdog } from '../../src/system/watchdog-device.ts'

const ADD_ON = join(import.meta.dirname, '../../src/system/native/build/Release/tandem.node')
const SHIM = join(import.meta.dirname, '../fixtures/watchdog-ioctl.c')
const hasCompiler = spawnSync('cc', ['--version']).status === 0

let scratch: string
let device: string
let reader: number | null
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tandem-watchdog-'))
  device = join(scratch, 'watchdog')
  execFileSync('mkfifo', [device])
  reader = openSync(device, constants.O_RDONLY | constants.O_NONBLOCK)
})
afterEach(() => {
  stopReading()
  rmSync(scratch, { recursive: true })
})

function stopReading(): void {
  if (reader !== null) closeSync(reader)
  reader = null
}

/** What came since the last look; null: whoever wrote has closed it. */
function heard(): string | null {
  const bytes = Buffer.alloc(100)
  try {
    const length = readSync(reader ?? -1, bytes, 0, bytes.length, null)
    return length === 0 ? null : bytes.toString('latin1', 0, length)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return ''
    throw error
  }
}

test('every word is one byte that does not stop it; V stops it and it is closed', async () => {
  const watchdog = await openWatchdog(device, 20)
  expect(heard()).toBe('')
  await watchdog.feed()
  await watchdog.feed()
  expect(heard()).toBe('\0\0')
  await watchdog.stop()
  expect(heard()).toBe('V')
  expect(heard()).toBe(null)
})

test('left, it is closed and nothing is said', async () => {
  const watchdog = await openWatchdog(device, 20)
  await watchdog.leave()
  expect(heard()).toBe(null)
})

test('what knows no question is fed all the same, with nothing known of it', async () => {
  const { identity, magicClose, seconds, leave } = await openWatchdog(device, 20)
  expect({ identity, magicClose, seconds }).toEqual({
    identity: null,
    magicClose: null,
    seconds: null,
  })
  await leave()
})

test('what does not take a word says so, and is closed by V all the same', async () => {
  const watchdog = await openWatchdog(device, 20)
  stopReading()
  await expect(watchdog.feed()).rejects.toMatchObject({ code: 'EPIPE' })
  await expect(watchdog.stop()).rejects.toMatchObject({ code: 'EPIPE' })
  reader = openSync(device, constants.O_RDONLY | constants.O_NONBLOCK)
  expect(heard()).toBe(null)
})

test('one that is not there is told, and a file of somebody’s is left alone', async () => {
  await expect(openWatchdog(join(scratch, 'none'), 20)).rejects.toMatchObject({ code: 'ENOENT' })
  const file = join(scratch, 'file')
  writeFileSync(file, 'precious')
  await expect(openWatchdog(file, 20)).rejects.toMatchObject({ code: 'ENODEV' })
  expect(readFileSync(file, 'utf8')).toBe('precious')
})

test.skipIf(!hasCompiler)('a driver is asked for a time, and what it made of it is told', () => {
  const shim = join(scratch, 'shim.so')
  execFileSync('cc', ['-shared', '-fPIC', '-o', shim, SHIM])
  const script = `require(${JSON.stringify(ADD_ON)}).watchdogSet(1, 21).then((told) => console.log(JSON.stringify(told)))`
  const told = execFileSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    env: { ...process.env, LD_PRELOAD: shim },
  })
  expect(JSON.parse(told)).toEqual({
    ...{ identity: 'A watchdog with 32 letters, no 0', magicClose: true },
    seconds: 20,
  })
})
