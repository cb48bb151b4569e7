/** Goal: a key that only changed, or ended a little earlier, is never called different. */
import { describe, expect, it } from 'vitest'
import { showKey } from '../../src/resources/verify-redis.ts'
import { judge, type Look } from '../../src/resources/verify-redis-settle.ts'
import type { KeyWord } from '../../src/resources/verify-redis-value.ts'

const key = (word: string, expiresAtMs: number | null = null): KeyWord => ({ word, expiresAtMs })
const look = (before: KeyWord, standby: KeyWord, after: KeyWord = before): Look => ({
  ...{ before, standby, after, clocks: { active: 50_000, standby: 60_000 } },
})

describe('one look at a key on both nodes', () => {
  it('finds it the same as it was before or after', () => {
    expect(judge(look(key('a'), key('a')))).toBe('same')
    expect(judge(look(key('a'), key('b'), key('b')))).toBe('same')
    expect(judge(look(null, null))).toBe('same')
  })

  it('cannot tell while it changes', () => {
    expect(judge(look(key('a'), key('b'), key('c')))).toBe('unsettled')
    expect(judge(look(key('a'), null, null))).toBe('same')
    expect(judge(look(null, key('b'), key('c')))).toBe('unsettled')
  })

  it('finds it different when the active kept it and the standby has another', () => {
    expect(judge(look(key('a'), key('b')))).toBe('differs')
    expect(judge(look(key('a', 90_000), key('a')))).toBe('differs')
    expect(judge(look(key('a'), null))).toBe('active-only')
    expect(judge(look(null, key('a')))).toBe('standby-only')
  })

  it('does not count that it ended by the clock of the node that has it no more', () => {
    expect(judge(look(key('a', 59_900), null))).toBe('same')
    expect(judge(look(key('a', 61_500), null))).toBe('active-only')
    expect(judge(look(null, key('a', 50_500)))).toBe('same')
    expect(judge(look(null, key('a', 55_000)))).toBe('standby-only')
  })
})

it('a key is shown as text, or byte by byte where it is none', () => {
  expect(showKey(Buffer.from('anruf:ä'))).toBe('anruf:ä')
  expect(showKey(Buffer.from([0x61, 0xff, 0x00]))).toBe('a\\xff\\x00')
})
