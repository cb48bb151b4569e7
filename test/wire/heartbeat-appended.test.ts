/** Goal: what is appended to a heartbeat arrives with it, signed, and costs an older reader nothing. */
import { describe, expect, it } from 'vitest'
import { EARLY_WORD_BYTES } from '../../src/wire/early-word.ts'
import {
  appendedTo,
  decodeHeartbeat,
  encodeHeartbeat,
  HEARTBEAT_BYTES,
  HEARTBEAT_MAX_BYTES,
} from '../../src/wire/heartbeat.ts'
import { makeKey } from '../../src/wire/key.ts'
import { STORE_WORDS_MAX_BYTES } from '../../src/wire/store-words.ts'
import { PEER } from '../helpers/snapshot-case.ts'

const key = makeKey(7, Buffer.alloc(32, 3))
const words = Buffer.from('words about stores')

describe('what is appended', () => {
  it('comes back as it was, behind the same heartbeat', () => {
    const bytes = encodeHeartbeat(PEER, key, words)
    expect(bytes.length).toBe(HEARTBEAT_BYTES + words.length)
    expect(decodeHeartbeat(bytes, [key])).toEqual({ ok: true, heartbeat: PEER })
    expect(appendedTo(bytes)).toEqual(words)
    expect(appendedTo(encodeHeartbeat(PEER, key))).toEqual(Buffer.alloc(0))
  })

  it('is covered by the signature', () => {
    const bytes = encodeHeartbeat(PEER, key, words)
    bytes[80] = bytes.readUInt8(80) ^ 1
    expect(decodeHeartbeat(bytes, [key])).toEqual({ ok: false, reason: 'hmac' })
  })

  it('has room for all words that stores may take and one about early starts, and for no byte more', () => {
    const most = encodeHeartbeat(PEER, key, Buffer.alloc(STORE_WORDS_MAX_BYTES + EARLY_WORD_BYTES))
    expect(most.length).toBe(HEARTBEAT_MAX_BYTES)
    expect(decodeHeartbeat(most, [key]).ok).toBe(true)
    expect(() =>
      encodeHeartbeat(PEER, key, Buffer.alloc(most.length - HEARTBEAT_BYTES + 1)),
    ).toThrow('heartbeat: appended is 405, it must be an integer of 0 to 404')
  })
})
