import { describe, expect, it } from 'vitest'
import { judgeAudio } from '../../src/sip/audio-verdict.ts'
import type { MediaCount } from '../../src/sip/media.ts'

const count = (sent: number, received: number, lost = 0): MediaCount => ({
  sent,
  received,
  lost,
  bytes: 160 * received,
  gapMs: 20,
  firstMs: 1,
})

const told = (caller: MediaCount, callee: MediaCount | null) => {
  const { ok, why } = judgeAudio({ caller, callee })
  return [ok, why]
}

describe('the audio of a call', () => {
  it('of somebody else is good when more came than was lost', () => {
    expect(told(count(100, 60, 40), null)).toEqual([
      true,
      'audio came from the callee: 60 packets, 40 lost',
    ])
    expect(told(count(100, 50, 50), null)).toEqual([
      false,
      'most audio of the callee was lost: 50 packets, 50 lost',
    ])
    expect(told(count(100, 0), null)).toEqual([false, 'no audio came from the callee'])
  })

  it('with our own callee needs more than half in each direction', () => {
    expect(told(count(100, 51), count(100, 51))).toEqual([
      true,
      'audio in both directions: 51 of 100 packets reached the callee, 51 of 100 the caller',
    ])
    expect(told(count(100, 100), count(100, 50))).toEqual([
      false,
      'one-way audio: 50 of 100 packets reached the callee, 100 of 100 the caller',
    ])
    expect(told(count(100, 50), count(100, 100))).toEqual([
      false,
      'one-way audio: 100 of 100 packets reached the callee, 50 of 100 the caller',
    ])
    expect(told(count(100, 0), count(100, 0))).toEqual([
      false,
      'no audio: 0 of 100 packets reached the callee, 0 of 100 the caller',
    ])
  })

  it('is none where nothing was sent', () => {
    expect(told(count(0, 0), count(0, 0))[0]).toBe(false)
  })
})
