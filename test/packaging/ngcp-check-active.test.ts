// Goal: scripts may trust this program all day. Method: the real program under the real sh, fed with
// every state, every flag, and every kind of damaged file; its time is measured against a bare sh.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { run as runInNode } from '../../src/cli/check-active.ts'
import { encodeStateLine, type StateLine } from '../../src/wire/state-line.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

const PROGRAM = fileURLToPath(new URL('../../packaging/bin/ngcp-check-active', import.meta.url))
const runDir = mkdtempSync(join(tmpdir(), 'tandem-check-'))
const stateFile = join(runDir, 'state')

beforeEach(() => rmSync(stateFile, { recursive: true, force: true }))
afterAll(() => rmSync(runDir, { recursive: true, force: true }))

function bootMs(): number {
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000
}

function write(line: Partial<StateLine>): void {
  const whole: StateLine = {
    stamp: 123_456_789,
    word: 'active',
    role: 'active',
    validUntilMs: bootMs() + 8_000,
    term: 7,
    ...line,
  }
  writeFileSync(stateFile, encodeStateLine(whole))
}

interface Answer {
  code: number | null
  out: string
  err: string
}

function check(args: string[], env: Record<string, string> = { TANDEM_RUN: runDir }): Answer {
  const { status, stdout, stderr } = spawnSync(PROGRAM, args, { env, encoding: 'utf8' })
  return { code: status, out: stdout, err: stderr }
}

/** The same question to `tandem check-active`. */
async function checkInNode(args: string[]): Promise<Answer> {
  const io = capturedIo({ env: { TANDEM_RUN: runDir } })
  return { code: await runInNode(args, io), out: io.out, err: io.err }
}

const STATES = [
  { word: 'active', role: 'active', code: 0, character: '!' },
  { word: 'standby', role: 'standby', code: 1, character: '.' },
  { word: 'unknown', role: 'standby', code: 2, character: '?' },
  { word: 'transition', role: 'elect', code: 3, character: '~' },
] as const

describe.each(STATES)('a node that is $word', ({ word, role, code, character }) => {
  test.each([
    { args: [], out: '' },
    { args: ['-v'], out: `${word}\n` },
    { args: ['-p'], out: character },
    { args: ['-q'], out: '' },
    { args: ['-v', '-q'], out: '' },
    { args: ['-q', '-v'], out: '' },
    { args: ['-qv'], out: '' },
    { args: ['-pq'], out: '' },
    { args: ['-v', '-p'], out: character },
    { args: ['-pv'], out: character },
    { args: ['-vpq'], out: '' },
    { args: ['-v', '-v'], out: `${word}\n` },
  ])('says so by exit code $args', async ({ args, out }) => {
    write({ word, role })
    expect(check(args)).toStrictEqual({ code, out, err: '' })
    expect(await checkInNode(args)).toStrictEqual({ code, out, err: '' })
  })
})

describe('the run directory', () => {
  test('is named by the option, then by the variable', () => {
    write({})
    expect(check(['-v', '--run', runDir], {}).out).toBe('active\n')
    expect(check([`--run=${runDir}`, '-v'], {}).out).toBe('active\n')
    expect(check(['-v', '--run', runDir], { TANDEM_RUN: '/nowhere' }).out).toBe('active\n')
    expect(check(['-v', '--run', '/nowhere'])).toStrictEqual({ code: 2, out: 'unknown\n', err: '' })
  })

  test('may have spaces and stars in its name', () => {
    const odd = join(runDir, 'a *b')
    mkdirSync(odd)
    write({})
    writeFileSync(join(odd, 'state'), readFileSync(stateFile))
    expect(check(['-v', '--run', odd])).toStrictEqual({ code: 0, out: 'active\n', err: '' })
    rmSync(odd, { recursive: true })
  })
})

describe('unknown is the answer', () => {
  const unknown: Answer = { code: 2, out: 'unknown\n', err: '' }
  const good = (): string => {
    write({})
    return readFileSync(stateFile, 'latin1')
  }
  test.each<[string, () => void]>([
    ['without a file', () => {}],
    ['to an empty file', () => writeFileSync(stateFile, '')],
    ['when the lease has ended', () => write({ validUntilMs: bootMs() - 10 })],
    ['when a standby was not told for too long', () => write({ word: 'standby', validUntilMs: 0 })],
    ['to a word from an earlier boot', () => write({ validUntilMs: bootMs() + 600_000 })],
    ['to a file without its end', () => writeFileSync(stateFile, good().trimEnd())],
    ['to a file cut short', () => writeFileSync(stateFile, `${good().slice(0, 40)}\n`)],
    ['to a torn word', () => writeFileSync(stateFile, good().replace('active', 'standby'))],
    ['to a foreign file', () => writeFileSync(stateFile, 'root:x:0:0:root:/root:/bin/sh\n')],
    ['to another version', () => writeFileSync(stateFile, good().replace('tandem1', 'tandem2'))],
    [
      'to a word nobody knows',
      () => writeFileSync(stateFile, good().replaceAll('active', 'serving')),
    ],
    [
      'to bytes',
      () => writeFileSync(stateFile, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))),
    ],
    ['to a directory', () => mkdirSync(stateFile)],
    [
      'to a moment that is no number',
      () => writeFileSync(stateFile, good().replace(/ \d+ 7 /g, ' 1x 7 ')),
    ],
    [
      'to a moment with too many digits',
      () => writeFileSync(stateFile, good().replace(/ \d+ 7 /g, ` ${'9'.repeat(30)} 7 `)),
    ],
    ['to code', () => writeFileSync(stateFile, good().replace(/ \d+ 7 /g, ' $(id) 7 '))],
    ['to a pipe that nobody writes', () => void execFileSync('mkfifo', [stateFile])],
    ['to a link to nowhere', () => symlinkSync('/nowhere/at/all', stateFile)],
  ])('%s', async (_case, prepare) => {
    prepare()
    expect(check(['-v'])).toStrictEqual(unknown)
    if (_case !== 'to a pipe that nobody writes')
      expect(await checkInNode(['-v'])).toStrictEqual(unknown)
  })

  test("the moment an active's lease ends", async () => {
    const untilMs = bootMs() + 150
    write({ validUntilMs: untilMs })
    for (;;) {
      const { code } = check([])
      const afterMs = bootMs()
      if (code === 2) {
        // The program read the clock before we did, and centiseconds are rounded down.
        expect(afterMs + 10).toBeGreaterThanOrEqual(Math.floor(untilMs / 10) * 10)
        break
      }
      expect(code).toBe(0)
      expect(afterMs).toBeLessThan(untilMs + 1_000)
    }
  })
})

describe('wrong usage never looks like a state', () => {
  test.each([
    [['-x'], 'unknown option -x'],
    [['-vx'], 'unknown option -vx'],
    [['--verbose'], 'unknown option --verbose'],
    [['-'], 'unknown option -'],
    [['--run'], '--run needs a directory'],
    [['--run', '-v'], '--run needs a directory'],
    [['active'], "unexpected argument 'active'"],
  ])('%j', (args, complaint) => {
    write({})
    const { code, out, err } = check(args)
    expect([code, out, err.split('\n').slice(0, 2)]).toStrictEqual([
      2,
      '',
      [`ngcp-check-active: ${complaint}`, 'Usage: ngcp-check-active [-v | -p | -q] [--run DIR]'],
    ])
  })

  test('help is printed and is not a state either', () => {
    write({})
    const { code, out, err } = check(['--help'])
    expect([code, out.split('\n')[0], err]).toStrictEqual([
      2,
      'Usage: ngcp-check-active [-v | -p | -q] [--run DIR]',
      '',
    ])
  })
})

test('every sh there is gives the same answers', () => {
  for (const shell of [['dash'], ['bash', '--posix'], ['busybox', 'sh']]) {
    const [program = '', ...args] = shell
    if (spawnSync(program, ['-c', ':']).error !== undefined) continue
    for (const { word, role, code } of STATES) {
      write({ word, role })
      const { status, stdout } = spawnSync(program, [...args, PROGRAM, '-v', '--run', runDir])
      expect([program, status, String(stdout)]).toStrictEqual([program, code, `${word}\n`])
    }
  }
})

test('an answer starts no process and takes a few milliseconds', () => {
  write({})
  const times = Array.from({ length: 40 }, () => {
    const startMs = performance.now()
    spawnSync(PROGRAM, ['-q'], { env: { TANDEM_RUN: runDir }, stdio: 'ignore' })
    return performance.now() - startMs
  }).sort((a, b) => a - b)
  const medianMs = times[20] ?? Number.NaN
  console.info(
    `ngcp-check-active: median ${medianMs.toFixed(2)} ms, max ${times.at(-1)?.toFixed(2)} ms`,
  )
  expect(medianMs).toBeLessThan(50)
  const trace = spawnSync('strace', ['-f', '-e', 'trace=process', PROGRAM, '-v', '--run', runDir])
  if (trace.error === undefined) expect(String(trace.stderr)).not.toMatch(/\b(v?fork|clone3?)\(/)
})

test('a tear never mixes a stale word with a fresh moment, however often the line is written', () => {
  // One line says standby and has run out, the next says unknown and is fresh; their fields stand at
  // the same places. Only a mixture taken for a line would say standby.
  const line = { stamp: 100_000_000, role: 'standby', term: 7 } as const
  const stale = encodeStateLine({ ...line, word: 'standby', validUntilMs: bootMs() - 10 })
  const fresh = encodeStateLine({ ...line, word: 'unknown', validUntilMs: bootMs() + 9_000 })
  // Some 8 us between two writes, so that several fall into one read.
  const writer = `
    const fs = require('node:fs'), fd = fs.openSync(process.argv[1], 'r+')
    const texts = process.argv.slice(2), end = Date.now() + 2000
    for (let n = 100000000; Date.now() < end; n += 1) {
      fs.writeSync(fd, Buffer.from(texts[n % 2].replaceAll('100000000', String(n)), 'latin1'), 0, 128, 0)
      for (const t = performance.now() + 0.008; performance.now() < t;);
    }`
  writeFileSync(stateFile, stale)
  const seen = execFileSync(
    'sh',
    [
      '-c',
      '"$1" -e "$2" "$3" "$4" "$5" & pid=$!; while kill -0 $pid 2>/dev/null; do "$0" -v; done; true',
      PROGRAM,
      process.execPath,
      writer,
      stateFile,
      stale.toString('latin1'),
      fresh.toString('latin1'),
    ],
    { env: { ...process.env, TANDEM_RUN: runDir }, encoding: 'utf8' },
  )
  expect([...new Set(seen.trim().split('\n'))]).toStrictEqual(['unknown'])
})
