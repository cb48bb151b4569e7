import { describe, expect, test } from 'vitest'
import { exitCodeOf, run } from '../../src/cli/simulate.ts'

async function typed(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const io = {
    stdout: (text: string) => {
      out += text
    },
    stderr: (text: string) => {
      err += text
    },
    env: {},
    isTty: false,
  }
  const code = await run(args, io)
  return { code, out, err }
}

/** Real time is the only thing in the output that differs from run to run. */
function withoutTimes(text: string): string {
  return text.replace(/in \d+\.\d s/g, 'in # s').replace(/\d+ (a second|steps a second)/g, '# $1')
}

describe('tandem simulate', () => {
  test('runs the one schedule of a seed, and the same again', async () => {
    const words = ['--seed', '7', '--profile', 'fast', '--virtual-seconds', '6']
    const first = await typed(...words)
    const again = await typed(...words)
    expect(first.code).toBe(0)
    expect(withoutTimes(again.out)).toBe(withoutTimes(first.out))
    expect(withoutTimes(first.out)).toMatch(
      /^seed 7\nrepeat with: tandem simulate --seed 7 --runs 1 --profile fast --virtual-seconds 6\n\n1 schedules: 1 ok, 0 unsafe, 0 stuck, 0 crashed\n0\.0 virtual hours in # s, \d+ openings\n\d+ steps, # a second\nthe core alone: # steps a second\n$/,
    )
  })

  test('chooses a fresh seed when none is named, and says how to repeat it', async () => {
    const words = ['--runs', '1', '--profile', 'fast', '--virtual-seconds', '3', '--json']
    const [one, two] = [await typed(...words), await typed(...words)]
    const [first, second] = [JSON.parse(one.out), JSON.parse(two.out)]
    expect(first.seed).not.toBe(second.seed)
    expect(first.repeatWith).toBe(
      `tandem simulate --seed ${first.seed} --runs 1 --profile fast --virtual-seconds 3`,
    )
  })

  test('traces every fault, change of role and gate in the order of virtual time', async () => {
    const words = ['--seed', '7', '--profile', 'fast', '--virtual-seconds', '6', '--trace']
    const { out } = await typed(...words)
    const lines = out.split('\n').filter((line) => /^ *\d+ ms /.test(line))
    const times = lines.map((line) => Number.parseInt(line, 10))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    for (const shape of [
      /fault: \S+/,
      /sp[12] {2}\w+ -> \w+: \S+/,
      /sp[12] {2}gate opens, term \d+/,
    ]) {
      expect(lines.some((line) => shape.test(line))).toBe(true)
    }
  })

  test.each([
    [['--seed', 'x'], "--seed 'x' is not a whole number"],
    [['--runs', '0'], "--runs '0' is not a whole number above 0"],
    [['--profile', 'slow'], "--profile 'slow' is not one of default, fast"],
    [
      ['--virtual-seconds', '5'],
      '--virtual-seconds 5 is too short for profile default; at least 17',
    ],
  ])('refuses %j with one clear line', async (args, complaint) => {
    expect(await typed(...args)).toEqual({
      code: 1,
      out: '',
      err: `tandem simulate: ${complaint}\n  see: tandem simulate --help\n`,
    })
  })

  test('ends with the number of the worst verdict', () => {
    const of = (unsafe: number, stuck: number, crashed: number): number =>
      exitCodeOf({ verdicts: { ok: 1, unsafe, stuck, crashed } })
    expect([of(0, 0, 0), of(1, 1, 1), of(0, 1, 1), of(0, 1, 0)]).toEqual([0, 10, 12, 11])
  })
})
