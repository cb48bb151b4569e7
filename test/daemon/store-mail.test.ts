/**
 * Goal: the heart carries the words about stores to and fro without work, and lets no recording and no
 * word of unknown age through.
 */
import { describe, expect, it } from 'vitest'
import { type PeerMail, StoreMail } from '../../src/daemon/store-mail.ts'
import { decodeStoreWords, encodeStoreWords } from '../../src/wire/store-words.ts'
import { activeState, PEER } from '../helpers/snapshot-case.ts'

const section = (number: number): Buffer =>
  encodeStoreWords({ number, stores: [], configured: 1, promotedMs: null })
const STATE = activeState()

function mailbox(): { mail: StoreMail; delivered: PeerMail[] } {
  const delivered: PeerMail[] = []
  return { mail: new StoreMail((mail) => delivered.push(mail)), delivered }
}

describe('what our heartbeats carry', () => {
  it('is nothing before the first look at a store', () => {
    expect(mailbox().mail.appended(1_000)).toBe(undefined)
  })

  it('is the newest word with its age at this moment', () => {
    const { mail } = mailbox()
    mail.put(new Uint8Array(section(1)), 900)
    mail.put(new Uint8Array(section(2)), 1_000)
    const read = (nowMs: number) => decodeStoreWords(Buffer.from(mail.appended(nowMs) ?? []))
    expect([read(1_010)?.ageMs, read(1_250)?.ageMs, read(1_250)?.words.number]).toEqual([
      10, 250, 2,
    ])
  })
})

describe("what came with the peer's", () => {
  it('is handed on once, however many paths and heartbeats bring it', () => {
    const { mail, delivered } = mailbox()
    const bytes = section(1)
    mail.hear(bytes, PEER, 500, STATE)
    mail.hear(section(1), PEER, 520, STATE)
    expect(delivered).toEqual([
      { bytes: expect.any(Uint8Array), sentMs: 500, boot: PEER.boot, term: PEER.term },
    ])
    // The socket writes its next datagram over the last one.
    bytes.fill(0)
    expect(Buffer.from(delivered[0]?.bytes ?? [])).toEqual(section(1))
    mail.hear(section(2), PEER, 540, STATE)
    expect(delivered.map(({ sentMs }) => sentMs)).toEqual([500, 540])
  })

  it('counts only when the heartbeat that brought it is the newest that counts', () => {
    const { mail, delivered } = mailbox()
    mail.hear(section(1), { ...PEER, seq: PEER.seq - 1 }, 500, STATE)
    mail.hear(section(1), { ...PEER, boot: '0c'.repeat(8) }, 500, STATE)
    mail.hear(section(1), PEER, 500, activeState({ peer: null }))
    expect(delivered).toEqual([])
  })

  it('counts only when its age can be told', () => {
    const { mail, delivered } = mailbox()
    mail.hear(section(1), PEER, null, STATE)
    expect(delivered).toEqual([])
  })
})
