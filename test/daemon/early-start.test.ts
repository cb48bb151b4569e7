/** Goal: an operator's move is announced to whom it concerns, for as long as the heartbeats say so. */
import { describe, expect, it } from 'vitest'
import { EarlyStart } from '../../src/daemon/early-start.ts'
import { encodeEarlyWord } from '../../src/wire/early-word.ts'
import { PEER, standbyState } from '../helpers/snapshot-case.ts'

const NOTHING = Buffer.alloc(0)
const state = standbyState()
const newest = { ...PEER, ...state.peer } as Parameters<EarlyStart['hear']>[1]
const said = (wanted: boolean, up: boolean | null): Buffer =>
  encodeEarlyWord({ wanted, up }) ?? NOTHING

describe('a move that is announced', () => {
  it('to this node starts its own services and tells the peer nothing', () => {
    const early = new EarlyStart('sp1')
    expect(early.announced).toBe(false)
    early.announce('sp1')
    expect([early.announced, early.appended(null, undefined)]).toEqual([true, undefined])
    early.announce(null)
    expect(early.announced).toBe(false)
  })

  it('to the peer travels with the heartbeats, in front of what else they carry', () => {
    const early = new EarlyStart('sp1')
    early.announce('sp2')
    expect(early.announced).toBe(false)
    expect(early.appended(null, undefined)).toEqual(said(true, null))
    expect(early.appended(true, Buffer.from('more'))).toEqual(
      Buffer.concat([said(true, true), Buffer.from('more')]),
    )
    early.announce(null)
    expect(early.appended(null, Buffer.from('more'))).toEqual(Buffer.from('more'))
  })

  it('by the peer holds until a heartbeat says it no more, and how far it is with its own is known', () => {
    const early = new EarlyStart('sp1')
    early.hear(said(true, false), newest, state)
    expect([early.announced, early.peerUp]).toEqual([true, false])
    early.hear(said(false, true), newest, state)
    expect([early.announced, early.peerUp]).toEqual([false, true])
    early.hear(NOTHING, newest, state)
    expect([early.announced, early.peerUp]).toEqual([false, null])
  })

  it('by a recording of the peer, or by one whose start is over, is none', () => {
    const early = new EarlyStart('sp1')
    early.hear(said(true, null), { ...newest, seq: newest.seq - 1 }, state)
    early.hear(said(true, null), { ...newest, boot: '00000000000000aa' }, state)
    early.hear(said(true, null), newest, { ...state, peer: null })
    expect(early.announced).toBe(false)
  })
})
