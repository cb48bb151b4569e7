// Transcripts: whatever the pair did before, it does to the millisecond again. The whole answer is
// compared; UPDATE_SCENARIOS=1 writes what the pair does now into the files, to be read critically.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseScenario, playScenario } from '../../src/sim/scenario.ts'

const directory = join(import.meta.dirname, '..', 'scenarios')
const files = readdirSync(directory).filter((file) => file.endsWith('.txt'))

/** Stories of PROTOCOL, "Not protected", whose effect is that both serve for a while. */
const isUnprotected = (file: string): boolean => file.startsWith('unprotected-')

describe('transcripts', () => {
  test.each(files)('%s is answered as written', (file) => {
    const path = join(directory, file)
    const scenario = parseScenario(file, readFileSync(path, 'utf8'))
    const { text, dualMs } = playScenario(scenario)
    if (process.env['UPDATE_SCENARIOS'] === '1') {
      writeFileSync(path, `${scenario.head}\n----\n${text}`)
    } else {
      expect(text).toBe(scenario.expected)
    }
    if (isUnprotected(file)) expect(dualMs).toBeGreaterThan(0)
    else expect(dualMs).toBe(0)
  })

  test('every story is told in at most three lines before the pair is described', () => {
    const untold = files.filter((file) => {
      const lines = readFileSync(join(directory, file), 'utf8').split('\n')
      const story = lines.findIndex((line) => !line.startsWith('# '))
      return story < 1 || story > 3 || lines[story] !== ''
    })
    expect(untold).toEqual([])
  })
})

describe('the language', () => {
  const complaint = (text: string): string => {
    try {
      playScenario(parseScenario('x.txt', text))
      return 'none'
    } catch (error) {
      return (error as Error).message
    }
  }

  test.each([
    [
      'pair actve=sp1\n',
      "x.txt, line 1: unknown key 'actve'; there are seed, profile, mode, active, ping-nodes, data, stale, stale-wait, confirm-alone, t3, reflection, rate-sp1, rate-sp2",
    ],
    [
      'pair mode=pong\n',
      "x.txt, line 1: mode: expected a word (ping or witness or fence), not 'pong'",
    ],
    [
      '\nrun 3\n',
      "x.txt, line 2: 'run 3': expected a time (500ms or 2s), not '3'; the form is: run TIME",
    ],
    [
      'cut lan sp3\n',
      "x.txt, line 1: 'cut lan sp3': expected a node (sp1 or sp2), not 'sp3'; the form is: cut crosslink | sp1>sp2 | sp2>sp1 | nodes | lan NODE",
    ],
  ])('%j is refused with its line and what was expected', (text, expected) => {
    expect(complaint(text)).toBe(expected)
  })

  test('a command ahead of the zero of the clock is carried out and not told', () => {
    const told = (text: string) => playScenario(parseScenario('x.txt', text)).text
    expect(told('pair active=sp1\nbefore power-off sp2\nbefore run 1s\nrun 1s\n')).toBe(
      '\nin the end: sp1 is active and serving, sp2 is down\noutage none, dual 0 ms\n',
    )
  })
})
