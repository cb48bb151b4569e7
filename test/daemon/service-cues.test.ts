/** Goal: services learn what they must of the role, once each, and in an order that ends nothing in between. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { State } from '../../src/core/state.ts'
import { ServiceCues } from '../../src/daemon/service-cues.ts'
import { activeState, PEER, standbyState } from '../helpers/snapshot-case.ts'

const OPTIONS = { suspicionMs: 200, hasStores: true, storesReady: false }
let cues: ServiceCues
const step = (state: State, announced = false): string[] => words(cues.after(state, announced))

function words(told: ReturnType<ServiceCues['after']>): string[] {
  return told.map((cue) => {
    if (cue.type === 'stand')
      return `stand${cue.unfit ? ' unfit' : ''}${cue.released ? ' released' : ''}`
    if (cue.type === 'role') return `role ${cue.role}`
    return 'on' in cue ? `${cue.type} ${cue.on}` : cue.type
  })
}

const peerWith = (peer: Partial<NonNullable<State['peer']>>): State =>
  standbyState({ peer: { ...PEER, role: 'active', ...peer } })
/** Not heard for longer than allowed. */
const silent = (state: State): State => ({ ...state, lastHeardMs: state.lastRunMs - 201 })

beforeEach(() => {
  cues = new ServiceCues('sp1', OPTIONS)
})

describe('what services are told', () => {
  it('is where they stand at first, and nothing while nothing changes', () => {
    expect(step(peerWith({}))).toEqual([
      ...['peer-serves true', 'stand', 'serve false', 'role standby'],
    ])
    expect(step(peerWith({}))).toEqual([])
    expect(step(silent(peerWith({})))).toEqual(['peer-serves false'])
  })

  it('is the role active only when the stores take writes as well', () => {
    step(peerWith({}))
    expect(step(activeState())).toEqual(['peer-serves false', 'serve true'])
    expect(words(cues.storesReady())).toEqual(['role active'])
    expect(step(peerWith({}))).toEqual(['peer-serves true', 'serve false', 'role standby'])
    expect(step(activeState()).at(-1)).toBe('serve true')
  })

  it('is the role active at once where there are no stores, or they were ready before', () => {
    for (const ready of [{ hasStores: false }, { storesReady: true }]) {
      cues = new ServiceCues('sp1', { ...OPTIONS, ...ready })
      expect(step(activeState())).toEqual(['stand', 'serve true', 'role active'])
    }
  })

  it('is that the role comes while a move to this node is announced or asked for, here or by the peer', () => {
    step(peerWith({}))
    expect(step(peerWith({}), true)).toEqual(['comes true'])
    expect(step(peerWith({}))).toEqual(['comes false'])
    expect(step(peerWith({ ask: 'sp1' }))).toEqual(['comes true'])
    expect(step({ ...peerWith({}), ask: 'sp1' })).toEqual([])
    // A move to the peer starts nothing here.
    expect(step(peerWith({ ask: 'sp2' }))).toEqual(['comes false'])
  })

  it('is that it comes no more behind that it serves, and when the peer falls silent', () => {
    step(peerWith({}), true)
    expect(cues.comes).toBe(true)
    expect(step(activeState(), true)).toEqual(['peer-serves false', 'serve true', 'comes false'])
    step(peerWith({}), true)
    expect(step(silent(peerWith({})), true)).toEqual(['peer-serves false', 'comes false'])
  })

  it('is for load-balancers that the node is unfit, or was released without a successor', () => {
    step(activeState())
    expect(step({ ...activeState(), healthy: false })).toEqual(['stand unfit'])
    const released = { ...standbyState({ peer: { ...PEER, role: 'standby' } }), maintenance: true }
    expect(step(released)).toEqual(['stand released', 'serve false', 'role standby'])
    expect(step({ ...peerWith({}), maintenance: true })).toEqual(['peer-serves true', 'stand'])
  })
})
