import { describe, expect, test } from 'vitest'
import {
  ASKING_OPTIONS,
  type CommandSpec,
  helpOf,
  type Parsed,
  parseCommand,
  timeoutMsFrom,
} from '../../src/cli/command.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

const SPEC: CommandSpec = {
  name: 'example',
  summary: 'Does an example.',
  details: 'Some details.',
  positionals: ['on|off'],
  options: ASKING_OPTIONS,
}

function parse(args: string[], env: Record<string, string> = {}) {
  const io = capturedIo({ env })
  return { result: parseCommand(SPEC, args, io), io }
}

function parsed(args: string[], env: Record<string, string> = {}): Parsed {
  const { result } = parse(args, env)
  if (!result.ok) throw new Error('was refused')
  return result.parsed
}

describe('places', () => {
  test('have the defaults of the packages', () => {
    expect(parsed(['on']).places).toStrictEqual({
      configDir: '/etc/ngcp-config',
      stateDir: '/var/lib/tandem',
      runDir: '/run/tandem',
      node: null,
    })
  })

  test('come from the environment, where an empty variable counts as none', () => {
    const env = {
      TANDEM_CONFIG: '/c',
      TANDEM_STATE: '/s',
      TANDEM_RUN: '',
      TANDEM_NODE: 'sp2',
    }
    expect(parsed(['on'], env).places).toStrictEqual({
      configDir: '/c',
      stateDir: '/s',
      runDir: '/run/tandem',
      node: 'sp2',
    })
  })

  test('come from an option before all else', () => {
    const args = ['--config', '/C', '--state=/S', 'on', '--run', '/R', '--node', 'sp1']
    expect(parsed(args, { TANDEM_RUN: '/r', TANDEM_NODE: 'sp2' }).places).toStrictEqual({
      configDir: '/C',
      stateDir: '/S',
      runDir: '/R',
      node: 'sp1',
    })
  })
})

describe('a lone dash', () => {
  test('is a value: what comes in, or goes out, by the standard streams', () => {
    expect(parsed(['on', '--run', '-'], {}).places.runDir).toBe('-')
  })
})

describe('a wrong command line', () => {
  test.each([
    [['on', '--jsno'], 'unknown option --jsno; did you mean --json?'],
    [['on', '--frobnicate'], 'unknown option --frobnicate'],
    [['on', '-z'], 'unknown option -z'],
    [['on', '--json=yes'], '--json takes no value'],
    [['on', '--run'], '--run needs a value: DIR'],
    [['on', '--run='], '--run needs a value: DIR'],
    [['on', '--run', '--json'], '--run needs a value: DIR'],
    [[], 'missing argument: on|off'],
    [['on', 'off'], "unexpected argument 'off'"],
    [['on', '--', '--json'], "unexpected argument '--json'"],
    [['on', '--__proto__'], 'unknown option --__proto__'],
  ])('%j is refused with one precise sentence and exit code 1', (args, complaint) => {
    const { result, io } = parse(args)
    expect(result).toStrictEqual({ ok: false, exitCode: 1 })
    expect(io.err).toBe(`tandem example: ${complaint}\n  see: tandem example --help\n`)
    expect(io.out).toBe('')
  })
})

test('help goes to standard output, wins over mistakes, and ends with 0', () => {
  for (const args of [['--help'], ['-h'], ['on', '--help', '--nonsense']]) {
    const { result, io } = parse(args)
    expect(result).toStrictEqual({ ok: false, exitCode: 0 })
    expect([io.out, io.err]).toStrictEqual([helpOf(SPEC), ''])
  }
})

test('help says everything there is to type', () => {
  expect(helpOf(SPEC)).toBe(`Does an example.

Usage: tandem example [options] on|off

Some details.

Options
  --json               print one JSON document instead of text
  --timeout SECONDS    longest time the whole command may take

Everywhere
  --config DIR         configuration directory (/etc/ngcp-config)
  --state DIR          directory of the hard state (/var/lib/tandem)
  --run DIR            run directory, one per agent (/run/tandem)
  --node NAME          name of the node: sp1 or sp2
  -h, --help           show this help
`)
})

test('a time limit is a number of seconds above 0 and at most a day', () => {
  const limit = (text: string) => timeoutMsFrom(parsed(['on', `--timeout=${text}`]), 1)
  expect(timeoutMsFrom(parsed(['on']), 3000)).toBe(3000)
  expect(['5', '0.25', '86400'].map(limit)).toStrictEqual([5000, 250, 86_400_000])
  for (const text of ['0', '0.0001', '-1', '1e3', 'x', '86401', 'Infinity', ' 5']) {
    expect(limit(text)).toBeNull()
  }
})
