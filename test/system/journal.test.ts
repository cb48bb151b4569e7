/**
 * Goal: lines reach the journal with their fields, and a journal that stands still, is gone or takes nothing so
 * large holds up nobody and loses nothing. Method: a real unix datagram socket, read by another process, which
 * is stopped; standard output is a file.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { encodeEntry, isJournal } from '../../src/system/journal.ts'
import { openLog } from '../../src/system/log.ts'
import { sendDatagram } from '../../src/system/native.ts'
import { until } from '../helpers/until.ts'

const RECEIVER = join(import.meta.dirname, '../fixtures/journal-receiver.py')
let scratch: string
let socketPath: string
let receiver: ChildProcess
let received: Map<string, string>[]
let descriptor: number

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'tandem-journal-'))
  socketPath = join(scratch, 'socket')
  receiver = spawn('python3', [RECEIVER, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] })
  received = []
  let ready = false
  createInterface({ input: receiver.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    if (line === 'ready') ready = true
    else received.push(parse(Buffer.from(line, 'hex')))
  })
  await until(async () => ready, 10_000)
})
afterAll(() => {
  receiver.kill('SIGKILL')
  rmSync(scratch, { recursive: true })
})
beforeEach(() => {
  received.length = 0
})

/** As journald reads an entry. */
function parse(entry: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  let at = 0
  while (at < entry.length) {
    const end = entry.indexOf(0x0a, at)
    const line = entry.toString('utf8', at, end)
    const equals = line.indexOf('=')
    if (equals >= 0) {
      fields.set(line.slice(0, equals), line.slice(equals + 1))
      at = end + 1
      continue
    }
    const length = Number(entry.readBigUInt64LE(end + 1))
    fields.set(line, entry.toString('utf8', end + 9, end + 9 + length))
    expect(entry[end + 9 + length]).toBe(0x0a)
    at = end + 10 + length
  }
  return fields
}

/** A log whose standard output is a fresh file. */
function logInto(name: string, path = socketPath) {
  const file = join(scratch, name)
  descriptor = openSync(file, 'w')
  const fieldsOf = (event: string) => ({ TANDEM_NODE: 'sp1', TANDEM_EVENT: event })
  const door = { send: (entry: Buffer) => sendDatagram(path, entry), fieldsOf }
  return { file, log: openLog(descriptor, door, () => 'never') }
}

describe('a log beside a journal', () => {
  it('sends each line with its fields, and nothing to standard output', async () => {
    const { log, file } = logInto('fields')
    log.line('warning', 'role', 'a\nb', {
      TANDEM_TERM: 7,
      TANDEM_ROLE: 'active',
      TANDEM_ABOUT: null,
    })
    await until(async () => received.length === 1, 5_000)
    expect(Object.fromEntries(received[0] ?? [])).toEqual({
      ...{ MESSAGE: 'role: a b', PRIORITY: '4', TANDEM_NODE: 'sp1', TANDEM_EVENT: 'role' },
      ...{ TANDEM_TERM: '7', TANDEM_ROLE: 'active' },
    })
    await log.flush()
    expect(readFileSync(file, 'utf8')).toBe('')
    closeSync(descriptor)
  })

  it('tells a value of several lines by its length', async () => {
    expect(sendDatagram(socketPath, encodeEntry({ MESSAGE: 'x', TANDEM_TEXT: 'one=1\ntwo' }))).toBe(
      true,
    )
    await until(async () => received.length === 1, 5_000)
    expect(received[0]?.get('TANDEM_TEXT')).toBe('one=1\ntwo')
  })

  it('holds up nobody while the journal stands still, and loses no line', async () => {
    receiver.kill('SIGSTOP')
    const { log, file } = logInto('stopped')
    const startMs = performance.now()
    let slowestMs = 0
    const text = 'x'.repeat(500)
    for (let number = 0; number < 800; number += 1) {
      const beganMs = performance.now()
      log.line('info', 'role', `line ${number} ${text}`)
      slowestMs = Math.max(slowestMs, performance.now() - beganMs)
    }
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(slowestMs).toBeLessThan(500)
    await log.flush()
    const written = readFileSync(file, 'utf8').trimEnd().split('\n')
    // Its queue took some, the rest went to standard output, with the priority that the journal reads.
    expect(written.length).toBeGreaterThan(100)
    expect(written[0]).toMatch(/^<6>role: line \d+ x/)
    receiver.kill('SIGCONT')
    await until(async () => received.length + written.length >= 800, 10_000)
    const numberOf = (line: string): number => Number(/line (\d+)/.exec(line)?.[1])
    const numbers = [...written, ...received.map((entry) => entry.get('MESSAGE') ?? '')].map(
      numberOf,
    )
    expect(new Set(numbers).size).toBe(800)
    closeSync(descriptor)
  }, 30_000)

  it('goes the ordinary way where there is no journal, or the line is too large for it', async () => {
    const { log, file } = logInto('none', join(scratch, 'nobody'))
    log.line('error', 'gate-lost', 'it is gone')
    await log.flush()
    expect(readFileSync(file, 'utf8')).toBe('<3>gate-lost: it is gone\n')
    expect(sendDatagram(socketPath, Buffer.alloc(4 * 1024 * 1024))).toBe(false)
    closeSync(descriptor)
  })

  it('knows the descriptor of the journal from another', () => {
    const { dev, ino } = fstatSync(2, { bigint: true })
    expect(isJournal(2, `${dev}:${ino}`)).toBe(true)
    expect([
      isJournal(2, `${dev}:${ino + 1n}`),
      isJournal(2, undefined),
      isJournal(999, '1:1'),
    ]).toEqual([false, false, false])
  })
})
