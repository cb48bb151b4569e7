/**
 * Goal: the core hears of the stores what they prove and nothing more. Method: looks and states by hand,
 * whole answers compared.
 */
import { describe, expect, it } from 'vitest'
import type { StoreSnapshot } from '../../src/control/snapshot.ts'
import type { Heartbeat } from '../../src/core/heartbeat.ts'
import { type PositionState, StorePositions } from '../../src/daemon/store-position.ts'

const CONFIGS = [
  { name: 'redis', semiSync: false, probeMisses: 3 },
  { name: 'mariadb', semiSync: true, probeMisses: 3 },
]

function view(change: Partial<StoreSnapshot> = {}): StoreSnapshot {
  return {
    name: 'mariadb',
    offset: 40,
    following: true,
    applies: true,
    confirmsTogether: false,
    ...change,
  } as StoreSnapshot
}

const REDIS = view({ name: 'redis', offset: 99_000 })

function peer(term: number, offset: number, role: Heartbeat['role'] = 'active'): Heartbeat {
  return { role, position: { term, offset } } as Heartbeat
}

/** A standby that knows its data up to 40 of the history that the peer serves. */
const STANDBY: PositionState = {
  role: 'standby',
  armed: false,
  term: 3,
  position: { term: 4, offset: 40 },
  positionUnknown: false,
  together: false,
  confirming: 'waiting',
  sole: false,
  peer: peer(4, 40),
  lastRunMs: 0,
}

const ACTIVE: PositionState = {
  role: 'active',
  armed: true,
  term: 5,
  position: { term: 5, offset: 40 },
  positionUnknown: false,
  together: false,
  confirming: 'waiting',
  sole: false,
  peer: peer(5, 40, 'standby'),
  lastRunMs: 0,
}

const TOGETHER: PositionState = { ...ACTIVE, together: true, confirming: 'together' }

/** Nothing had to be ended that the peer has applied. */
function standing(offsets: ReadonlyMap<string, number>) {
  return { offsets, applied: new Set<string>() }
}

function positions(): StorePositions {
  return new StorePositions(CONFIGS)
}

const told = (term: number, offset: number) => ({ type: 'position', position: { term, offset } })

describe('the position told', () => {
  it('is that of the first store that confirms with the peer, and of no other', () => {
    expect(positions().provenBy).toBe('mariadb')
    expect(positions().looked([REDIS, view({ offset: 41 })], STANDBY)).toEqual([told(4, 41)])
    expect(positions().looked([REDIS], STANDBY)).toEqual([])
  })

  it("lies in the peer's history while the store follows it", () => {
    const fresh = { ...STANDBY, position: { term: 2, offset: 40 } }
    expect(positions().looked([view()], fresh)).toEqual([told(4, 40)])
  })

  it('stays in the history it was in while the store follows nobody', () => {
    const alone = view({ following: false, offset: 44 })
    expect(positions().looked([alone], { ...STANDBY, position: { term: 2, offset: 40 } })).toEqual([
      told(2, 44),
    ])
    expect(positions().looked([view({ offset: 44 })], { ...STANDBY, peer: null })).toEqual([
      told(4, 44),
    ])
  })

  it('lies in no history while what is received is not applied', () => {
    const broken = view({ following: false, applies: false })
    expect(positions().looked([broken], STANDBY)).toEqual([told(0, 40)])
    const active = { ...ACTIVE, position: { term: 4, offset: 40 } }
    expect(positions().looked([broken], active)).toEqual([told(5, 40)])
  })

  it('lies in our own history while we serve', () => {
    const state = { ...ACTIVE, position: { term: 4, offset: 40 } }
    expect(positions().looked([view({ following: false })], state)).toEqual([told(5, 40)])
  })

  it('is told when it is new, and not guessed when a look failed', () => {
    expect(positions().looked([view()], STANDBY)).toEqual([])
    const booted = { ...STANDBY, positionUnknown: true }
    expect(positions().looked([view({ offset: null })], booted)).toEqual([])
    expect(positions().looked([view()], booted)).toEqual([told(4, 40)])
    expect(positions().looked([view({ offset: null })], STANDBY)).toEqual([])
  })

  it('is nothing at all for stores that prove nothing', () => {
    const none = new StorePositions([{ name: 'redis', semiSync: false, probeMisses: 3 }])
    expect(none.looked([REDIS], STANDBY)).toEqual([])
    expect(none.wantsLook({ ...STANDBY, peer: peer(4, 50) })).toBe(false)
    expect(none.frozen(standing(new Map([['redis', 7]])), ACTIVE)).toEqual({
      type: 'frozen',
      position: ACTIVE.position,
    })
  })
})

describe("the store's word that it waits for the peer", () => {
  it('is told when it changes, after the position of the same look', () => {
    const made = positions()
    expect(made.looked([view({ confirmsTogether: true, offset: 41 })], ACTIVE)).toEqual([
      told(5, 41),
      { type: 'confirms', together: true },
    ])
    expect(made.looked([view()], ACTIVE)).toEqual([])
    expect(made.looked([view({ confirmsTogether: true })], TOGETHER)).toEqual([])
    expect(made.looked([view()], TOGETHER)).toEqual([{ type: 'confirms', together: false }])
  })

  it('outlives a server that does not answer, until that had to be handed over long since', () => {
    const made = positions()
    made.looked([view({ confirmsTogether: true })], ACTIVE)
    const silent = (lastRunMs: number) =>
      made.looked([REDIS, view({ offset: null })], { ...TOGETHER, lastRunMs })
    expect([silent(1_000), silent(11_300)]).toEqual([[], []])
    expect(silent(11_400)).toEqual([{ type: 'confirms', together: false }])
    made.looked([view({ confirmsTogether: true })], { ...ACTIVE, lastRunMs: 12_000 })
    expect(silent(20_000)).toEqual([])
  })

  it('is not given by a server that never answered', () => {
    expect(positions().looked([view({ offset: null })], TOGETHER)).toEqual([
      { type: 'confirms', together: false },
    ])
  })

  it('ends when the store is not there', () => {
    expect(positions().looked([REDIS], TOGETHER)).toEqual([{ type: 'confirms', together: false }])
  })
})

describe('a freeze', () => {
  it('is told with the position of the store that proves, in the history we serve', () => {
    const offsets = new Map([
      ['redis', 99_123],
      ['mariadb', 57],
    ])
    expect(positions().frozen(standing(offsets), ACTIVE)).toEqual({
      type: 'frozen',
      position: { term: 5, offset: 57 },
    })
  })

  it('leaves the position where it was when that store could not say its own', () => {
    expect(positions().frozen(standing(new Map([['redis', 99_123]])), ACTIVE)).toEqual({
      type: 'frozen',
      position: { term: 5, offset: 40 },
    })
    // What the peer has beyond it came from there.
    const further = { ...ACTIVE, peer: peer(5, 44, 'standby') }
    expect(positions().frozen(standing(new Map()), further)).toMatchObject({
      position: { offset: 44 },
    })
    const tail = { ...ACTIVE, peer: peer(4, 44, 'standby') }
    expect(positions().frozen(standing(new Map()), tail)).toMatchObject({
      position: { offset: 40 },
    })
  })

  it('is told as far as the peer has it when a store was ended that answered nobody before the peer had it', () => {
    // On a full disk the server counts the transaction that it cannot write.
    const hung = { ...TOGETHER, peer: peer(5, 39, 'standby') }
    const applied = new Set(['mariadb'])
    const at = (state: PositionState) => positions().frozen({ offsets: new Map(), applied }, state)
    expect(at(hung)).toEqual({ type: 'frozen', position: { term: 5, offset: 39 } })
    // Its link ends with the server.
    expect(at({ ...hung, confirming: 'waiting' })).toMatchObject({ position: { offset: 39 } })
    // What it received and has still to apply may be gone when it takes writes.
    expect(positions().frozen(standing(new Map()), hung)).toMatchObject({
      position: { offset: 40 },
    })
    for (const alone of [
      { sole: true },
      { together: false },
      { confirming: 'alone' },
      { confirming: 'marking' },
      { peer: peer(4, 39, 'standby') },
      { peer: null },
    ] as const) {
      expect([alone, at({ ...hung, ...alone })]).toEqual([
        alone,
        expect.objectContaining({ position: { term: 5, offset: 40 } }),
      ])
    }
  })
})

describe('a look at once', () => {
  it('is wanted when the active tells more than we know of ours, once for each position', () => {
    const made = positions()
    const ahead = { ...STANDBY, peer: peer(4, 41) }
    expect([made.wantsLook(ahead), made.wantsLook(ahead)]).toEqual([true, false])
    expect(made.wantsLook({ ...STANDBY, peer: peer(4, 42) })).toBe(true)
  })

  it('is wanted when the active serves another history than we know of', () => {
    expect(positions().wantsLook({ ...STANDBY, peer: peer(6, 10) })).toBe(true)
  })

  it('is not wanted when we know as much, or the peer does not serve, or we are no standby', () => {
    const made = positions()
    expect(made.wantsLook(STANDBY)).toBe(false)
    expect(made.wantsLook({ ...STANDBY, peer: peer(4, 50, 'standby') })).toBe(false)
    expect(made.wantsLook({ ...STANDBY, peer: null })).toBe(false)
    expect(made.wantsLook({ ...STANDBY, role: 'demoting', peer: peer(4, 50) })).toBe(false)
  })
})
