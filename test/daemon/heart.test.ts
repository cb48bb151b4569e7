/**
 * Goal: the heart beats in time, tells the core what it must know, and neither holds a role for a dead
 * body nor loses what it was told meanwhile. Method: pretend doors and fake timers.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BURST_MS } from '../../src/daemon/announcer.ts'
import { H, HeartStage, MAIN_STALL_MS, TURN_MS } from '../helpers/heart-stage.ts'
import { POLICY } from '../helpers/snapshot-case.ts'

const { timing } = POLICY
/** From the start of a stage until its control thread has told of progress. */
const SETTLED_MS = 20 * H

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const),
      ...(['setImmediate', 'clearImmediate', 'Date'] as const),
    ],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('ticks', () => {
  test('the first thing is to shut the gate, and a heartbeat leaves after each H', () => {
    const stage = new HeartStage()
    stage.peerSpeaks = false
    stage.gate.occupy(stage.now() + 60_000, true)
    stage.heart.start()
    expect(stage.gate.query().occupiedUntilMs).toBe(0)
    expect(stage.sent.map(({ atMs }) => atMs)).toEqual([])
    stage.run(4 * H + TURN_MS)
    expect(stage.sent.map(({ atMs, heartbeat }) => [atMs - TURN_MS, heartbeat.seq])).toEqual([
      [H, 1],
      [2 * H, 2],
      [3 * H, 3],
      [4 * H, 4],
    ])
  })

  test('each tick raises the beat and writes the state line', () => {
    const stage = new HeartStage()
    stage.heart.start()
    stage.run(H + TURN_MS)
    expect(stage.memory.read('heartBeat')).toBe(1)
    stage.peerSpeaks = false
    stage.written.length = 0
    stage.run(3 * H)
    expect(stage.memory.read('heartBeat')).toBe(4)
    expect(stage.memory.read('ticksDecided')).toBe(4)
    expect(stage.written.map(({ atMs }) => atMs - TURN_MS)).toEqual([2 * H, 3 * H, 4 * H])
  })

  test('a late tick is told: the worst ever, the worst of the last minute, and the pause it was', () => {
    const stage = new HeartStage()
    stage.heart.start()
    stage.run(SETTLED_MS + TURN_MS)
    expect(stage.heart.health(true, null)).toEqual({
      startedMs: 1_000_000,
      realtime: true,
      lateness: { worst: null, lastMinuteMs: 0, pauses: 0 },
      stalled: false,
      storeTrouble: null,
    })
    const worst = { ms: 3.5 * H, atMs: expect.any(Number) }
    // Stopped just after a tick, it goes on just before the next one would have been due.
    stage.stopProcess(3.5 * H).run(2 * H)
    expect(stage.heart.health(false, 'no space')).toMatchObject({
      realtime: false,
      lateness: { worst, lastMinuteMs: 3.5 * H, pauses: 1 },
      storeTrouble: 'no space',
    })
    stage.run(58_000)
    expect(stage.heart.health(true, null).lateness.lastMinuteMs).toBe(3.5 * H)
    stage.run(3_000)
    expect(stage.heart.health(true, null).lateness).toEqual({ worst, lastMinuteMs: 0, pauses: 1 })
  })
})

describe('the role', () => {
  test('each change is told with its reason, and what is served from it on', () => {
    const stage = new HeartStage().becomeActive()
    expect(stage.persisted).toEqual([{ ticket: 1, term: 1 }])
    expect(
      stage.transitions.map(({ from, to, opened, term, reason }) => ({
        ...{ from, to, opened, term, reason },
      })),
    ).toEqual([
      { from: 'demoting', to: 'standby', opened: false, term: 0, reason: 'data-demoted' },
      { from: 'standby', to: 'elect', opened: false, term: 0, reason: 'elected-candidate' },
      // Its term was on disk in advance, so the gate opens in the same step.
      { from: 'elect', to: 'active', opened: true, term: 1, reason: 'elected' },
    ])
    expect(stage.transitions[0]?.peerSilentMs).toBeNull()
    expect(stage.transitions[2]?.peerSilentMs).toBe(H)
    expect(stage.served).toEqual([true])
    stage.peerSpeaks = false
    stage.pingNodesAnswer = false
    stage.run(5 * timing.leaseMs)
    expect(stage.served).toEqual([true, false])
    expect(stage.transitions.slice(3).map(({ to, reason }) => [to, reason])).toEqual([
      ['demoting', 'lease-ended'],
      ['standby', 'data-demoted'],
    ])
    // The peer was last heard at a tick, and its grant ran out L after that heartbeat of ours.
    expect(stage.transitions[3]?.peerSilentMs).toBeGreaterThanOrEqual(timing.leaseMs - H)
    expect(stage.gate.query().serveUntilMs).toBe(0)
  })

  test('a stop shuts the gate at once, ends every timer, and nothing says active any more', () => {
    const stage = new HeartStage().becomeActive()
    stage.heart.stop()
    expect(stage.gate.query().serveUntilMs).toBe(0)
    expect(stage.written.at(-1)).toMatchObject({ role: 'active', armed: false })
    const { length } = stage.sent
    const announced = stage.announcedMs.length
    stage.peerSpeaks = false
    stage.run(60_000)
    expect([stage.sent.length, stage.announcedMs.length]).toEqual([length, announced])
  })
})

test('a term that is on disk only after the stop opens no gate', () => {
  const stage = new HeartStage()
  stage.diskWrites = false
  stage.heart.start()
  stage.run(20 * H)
  expect([stage.state.role, stage.state.armed]).toEqual(['active', false])
  stage.heart.stop()
  const sent = stage.sent.length
  stage.heart.take({ type: 'persisted', ticket: stage.persisted[0]?.ticket ?? 0 })
  stage.hear()
  expect(stage.gate.query().serveUntilMs).toBe(0)
  expect([stage.sent.length, stage.served]).toEqual([sent, []])
})

describe('address probes', () => {
  /** A standby beside a silent peer: it probes in every round. */
  function probing(): HeartStage {
    const stage = new HeartStage()
    stage.heart.start()
    stage.peerSays = { role: 'active', want: true }
    stage.run(SETTLED_MS)
    expect(stage.state.role).toBe('standby')
    expect(stage.probesMs).toEqual([])
    stage.peerSpeaks = false
    return stage
  }

  test('a probe that met nobody is told at the next tick, with the moment it left', () => {
    const stage = probing()
    stage.run(3 * H + TURN_MS)
    const [first = 0] = stage.probesMs
    expect(stage.probesMs).toEqual([first, first + H])
    expect(stage.state.probesClearFromMs).toBe(1_000_000 + first)
    expect(stage.state.probeLastClearMs).toBe(1_000_000 + first)
    stage.run(H)
    expect(stage.state.probesClearFromMs).toBe(1_000_000 + first)
    expect(stage.state.probeLastClearMs).toBe(1_000_000 + first + H)
  })

  test('a probe that met somebody is never told as clear', () => {
    const stage = probing()
    stage.run(4 * H)
    expect(stage.state.probesClearFromMs).not.toBeNull()
    const [last = 0] = stage.probesMs.slice(-1)
    stage.heart.conflict('answer')
    expect(stage.state.probesClearFromMs).toBeNull()
    expect(stage.state.probeConflictMs).toBe(stage.now())
    stage.run(H)
    expect(stage.state.probesClearFromMs).toBeNull()
    stage.run(H)
    expect(stage.state.probesClearFromMs).toBe(1_000_000 + last + H)
  })

  test('a probe that could not leave proves nothing', () => {
    const stage = probing()
    stage.probesLeave = false
    stage.run(10 * H)
    expect(stage.probesMs.length).toBeGreaterThan(5)
    expect(stage.state.probesClearFromMs).toBeNull()
    expect(stage.state.role).toBe('standby')
  })

  test('silence, a majority and clear probes end in a takeover, at the latest after D + 5H', () => {
    const stage = probing()
    const silentFromMs = stage.sinceStart()
    stage.run(timing.takeoverSilenceMs + 5 * H)
    expect(
      stage.transitions.slice(-1).map(({ to, opened, reason }) => [to, opened, reason]),
    ).toEqual([['active', true, 'takeover-done']])
    const opened = stage.transitions.at(-1)
    expect(opened?.peerSilentMs).toBeGreaterThan(timing.takeoverSilenceMs)
    expect(stage.announcedMs[0]).toBe((opened?.atMs ?? 0) - 1_000_000)
    expect(stage.announcedMs[0]).toBeGreaterThan(silentFromMs + timing.takeoverSilenceMs - H)
  })
})

describe('health', () => {
  test('is that of the services and of the links together', () => {
    const stage = new HeartStage()
    stage.heart.start()
    stage.peerSays = { role: 'active', want: true }
    stage.run(SETTLED_MS)
    const isHealthy = (): boolean => stage.state.healthy
    expect(isHealthy()).toBe(true)
    stage.heart.setServicesHealthy(false)
    expect(isHealthy()).toBe(false)
    stage.carrier = false
    stage.run(timing.gapMs + 2 * H)
    stage.heart.setServicesHealthy(true)
    expect(isHealthy()).toBe(false)
    stage.carrier = true
    stage.run(timing.dampingMs - H)
    expect(isHealthy()).toBe(false)
    stage.run(3 * H)
    expect(isHealthy()).toBe(true)
  })

  test('a link that is lost counts after G, without anybody asking', () => {
    const stage = new HeartStage()
    stage.heart.start()
    stage.peerSays = { role: 'active', want: true }
    stage.run(SETTLED_MS)
    stage.carrier = false
    stage.run(timing.gapMs)
    expect(stage.state.healthy).toBe(true)
    stage.run(H)
    expect(stage.state.healthy).toBe(false)
  })
})

describe('stores', () => {
  test('are demoted at the start, and promoted when the gate is open', () => {
    const stage = new HeartStage()
    stage.becomeActive()
    expect(stage.ordered).toEqual(['demote', 'confirm together', 'promote'])
    stage.heart.take({ type: 'refused' })
    expect(stage.ordered.at(-1)).toBe('demote')
  })
})

describe('announcements', () => {
  /** Active and long past its first burst. */
  function settled(): HeartStage {
    const stage = new HeartStage().becomeActive()
    stage.run(10_000)
    stage.announcedMs.length = 0
    return stage
  }

  test('begin in the very moment in which the gate opens', () => {
    const stage = new HeartStage().becomeActive()
    const opened = stage.transitions.find((transition) => transition.opened)
    const openedMs = (opened?.atMs ?? 0) - 1_000_000
    stage.run(5_000)
    expect(stage.announcedMs.map((atMs) => atMs - openedMs)).toEqual(BURST_MS)
    expect(stage.heart.announcedMs).toBe(1_000_000 + openedMs + 5_000)
  })

  /** With stores that take their time, in the moment in which the gate opens. */
  function opening(): HeartStage {
    const stage = new HeartStage()
    stage.storesAtOnce = false
    stage.heart.start()
    while (!stage.state.armed) stage.run(TURN_MS)
    return stage
  }

  test('wait for the stores, and clients are called with the first of them', () => {
    const stage = opening()
    stage.run(100)
    expect([stage.announcedMs, stage.calledMs, stage.served]).toEqual([[], [], [true]])
    const promotedMs = stage.sinceStart()
    stage.heart.storesPromoted()
    expect([stage.announcedMs, stage.calledMs]).toEqual([[promotedMs], [promotedMs]])
    stage.run(5_000)
    stage.heart.storesPromoted()
    expect(stage.calledMs).toEqual([promotedMs])
  })

  test('wait for stores that take long no longer than a moment', () => {
    const stage = opening()
    const openedMs = (stage.transitions.find(({ opened }) => opened)?.atMs ?? 0) - 1_000_000
    stage.run(1_000)
    expect(stage.calledMs).toEqual([openedMs + 300])
  })

  test('are not made for stores that are ready after the node gave up the role', () => {
    const stage = opening()
    stage.run(100)
    stage.peerSpeaks = false
    stage.pingNodesAnswer = false
    stage.heart.take({ type: 'refused' })
    stage.heart.storesPromoted()
    stage.run(1_000)
    expect([stage.announcedMs, stage.calledMs]).toEqual([[], []])
  })

  test('begin again when the peer is heard after silence, for it may have claimed the address', () => {
    const stage = settled()
    stage.peerSpeaks = false
    stage.run(1_000)
    expect(stage.state.armed).toBe(true)
    expect(stage.announcedMs).toEqual([])
    const heardMs = stage.sinceStart()
    stage.hear()
    stage.run(40)
    expect(stage.announcedMs.map((atMs) => atMs - heardMs)).toEqual([0, 5, 20])
  })

  test('do not begin again for one lost heartbeat', () => {
    const stage = settled()
    stage.peerSpeaks = false
    stage.run(timing.suspicionMs - H)
    stage.peerSpeaks = true
    stage.run(200)
    expect(stage.announcedMs).toEqual([])
  })

  test('answer somebody else who claims the address, but only of the node that serves', () => {
    const stage = settled()
    const atMs = stage.sinceStart()
    stage.heart.conflict('announcement')
    expect(stage.announcedMs).toEqual([atMs])
    const standby = new HeartStage()
    standby.peerSays = { role: 'active', want: true }
    standby.heart.start()
    standby.heart.conflict('announcement')
    standby.run(100)
    expect(standby.announcedMs).toEqual([])
  })

  test('are not made after the lease, whichever timer comes first when the process goes on', () => {
    const stage = new HeartStage().becomeActive()
    stage.run(100)
    stage.announcedMs.length = 0
    stage.peerSpeaks = false
    stage.pingNodesAnswer = false
    stage.stopProcess(3_000)
    // Another node serves by now, and says so, before our next tick.
    stage.heart.conflict('announcement')
    stage.run(10_000)
    expect(stage.announcedMs).toEqual([])
  })
})

describe('a control thread that stands still', () => {
  test('ends the announcements with the lease, whoever claims the address then', () => {
    const stage = new HeartStage().becomeActive()
    stage.controlMoves = false
    stage.run(MAIN_STALL_MS + 100 + timing.leaseMs)
    expect([stage.heart.health(true, null).stalled, stage.state.armed]).toEqual([true, true])
    stage.announcedMs.length = 0
    // The other node took over, and says so.
    stage.heart.conflict('announcement')
    stage.run(60_000)
    expect(stage.announcedMs).toEqual([])
  })

  test('ends the heartbeats after the limit, and the lease with them', () => {
    const stage = new HeartStage().becomeActive()
    stage.controlMoves = false
    const fromMs = stage.sinceStart()
    stage.run(MAIN_STALL_MS - 2 * H)
    expect(stage.heart.health(true, null).stalled).toBe(false)
    stage.run(2 * 100)
    expect(stage.heart.health(true, null).stalled).toBe(true)
    const [last] = stage.sent.slice(-1)
    expect((last?.atMs ?? 0) - fromMs).toBeLessThanOrEqual(MAIN_STALL_MS + 100)
    stage.run(timing.leaseMs)
    expect(stage.gate.query().serveUntilMs).toBeLessThanOrEqual(stage.now())
    const { length } = stage.sent
    stage.run(10_000)
    expect(stage.sent.length).toBe(length)
    expect(stage.written.at(-1)?.atMs).toBe(last?.atMs)
  })

  test('is not judged before it first told of progress, however long it takes to come up', () => {
    const stage = new HeartStage()
    stage.controlMoves = false
    stage.heart.start()
    stage.run(20 * MAIN_STALL_MS)
    expect(stage.heart.health(true, null).stalled).toBe(false)
    expect(stage.state.armed).toBe(true)
  })

  test('is not accused of the time in which the whole process was stopped', () => {
    // Its last progress was seen already, and the next comes some ticks after the stop.
    const stage = new HeartStage().becomeActive().run(50)
    for (const stoppedMs of [MAIN_STALL_MS + 100, 3_000, 60_000]) {
      stage.stopProcess(stoppedMs)
      // It needs its time, too, to come back to work.
      for (let ticks = 0; ticks < 10; ticks += 1) {
        stage.run(H)
        expect(stage.heart.health(true, null).stalled).toBe(false)
      }
      stage.run(MAIN_STALL_MS)
    }
  })

  test('is found out on a busy machine too, where a tick is missed now and then', () => {
    const stage = new HeartStage().becomeActive().run(5)
    stage.controlMoves = false
    for (let rounds = 0; rounds < 10; rounds += 1) stage.stopProcess(H).run(100)
    expect(stage.heart.health(true, null).stalled).toBe(true)
  })

  test('lets the role go on as a standby when it moves again', () => {
    const stage = new HeartStage().becomeActive()
    stage.controlMoves = false
    stage.run(2_000)
    stage.peerSays = { role: 'active', want: true, term: 2 }
    stage.controlMoves = true
    stage.run(100 + 2 * H)
    expect(stage.heart.health(true, null).stalled).toBe(false)
    expect(stage.state.role).toBe('standby')
    expect(stage.transitions.slice(-2).map(({ to, reason }) => [to, reason])).toEqual([
      ['demoting', 'lease-ended'],
      ['standby', 'data-demoted'],
    ])
    expect(stage.served).toEqual([true, false])
  })
})

describe('what happens while the control thread stands still', () => {
  /** Stalled as a standby beside an active peer. */
  function stalled(): HeartStage {
    const stage = new HeartStage()
    stage.heart.start()
    stage.peerSays = { role: 'active', want: true }
    stage.run(SETTLED_MS)
    stage.controlMoves = false
    stage.run(MAIN_STALL_MS + 200)
    expect(stage.heart.health(true, null).stalled).toBe(true)
    return stage
  }
  const goOn = (stage: HeartStage): void => {
    stage.controlMoves = true
    stage.run(100 + H)
    expect(stage.heart.health(true, null).stalled).toBe(false)
  }

  test('is no decided tick, although the heart beats', () => {
    const stage = stalled()
    const counts = () => [stage.memory.read('heartBeat'), stage.memory.read('ticksDecided')]
    const [beats = 0, ticks = 0] = counts()
    stage.run(10 * H)
    expect(counts()).toEqual([beats + 10, ticks])
    goOn(stage)
    expect(counts()[1]).toBeGreaterThan(ticks)
  })

  test('from outside is dropped: heartbeats, answers, probes and requests', () => {
    const stage = stalled()
    const before = stage.state
    stage.hear()
    stage.heart.take({ type: 'pong', round: before.round?.number ?? 0, pingNode: 0 })
    stage.heart.take({ type: 'ask', node: 'sp1', force: false })
    stage.heart.conflict('answer')
    expect(stage.state).toBe(before)
    stage.peerSpeaks = false
    goOn(stage)
    expect(stage.state.ask).toBeNull()
    expect(stage.state.probeConflictMs).toBe(Number.NEGATIVE_INFINITY)
    expect(stage.state.lastHeardMs).toBe(before.lastHeardMs)
  })

  test('of our own ends is kept, and delivered when it goes on', () => {
    const stage = stalled()
    const before = stage.state
    stage.heart.take({ type: 'maintenance', on: true })
    stage.heart.setServicesHealthy(false)
    stage.heart.take({ type: 'frozen', position: { term: 3, offset: 5 } })
    expect(stage.state).toBe(before)
    goOn(stage)
    expect(stage.state).toMatchObject({
      maintenance: true,
      healthy: false,
      position: { term: 3, offset: 5 },
    })
  })

  test('is kept in its order, so that the last word is the last', () => {
    const stage = stalled()
    for (const on of [true, false, true, false]) stage.heart.take({ type: 'maintenance', on })
    goOn(stage)
    expect(stage.state.maintenance).toBe(false)
  })

  test('cannot leave a node demoting for ever', () => {
    const stalledAtMs = (): number => {
      const twin = new HeartStage().becomeActive()
      twin.controlMoves = false
      while (!twin.heart.health(true, null).stalled) twin.run(1)
      return twin.sinceStart()
    }
    const atMs = stalledAtMs()
    const stage = new HeartStage().becomeActive()
    stage.controlMoves = false
    stage.run(atMs - TURN_MS - 1 - stage.sinceStart())
    // The tick that finds out about the control thread comes between the demotion and its end.
    setTimeout(() => stage.hear({ role: 'active', want: true, term: 8 }), 1)
    stage.run(1)
    expect([stage.state.role, stage.heart.health(true, null).stalled]).toEqual(['demoting', false])
    stage.peerSpeaks = false
    stage.run(10 * H)
    expect([stage.state.role, stage.heart.health(true, null).stalled]).toEqual(['demoting', true])
    goOn(stage)
    expect(stage.state.role).toBe('standby')
  })

  test('of a term that was written is told late, and the node serves after all', () => {
    const stage = new HeartStage()
    stage.diskWrites = false
    stage.heart.start()
    stage.run(SETTLED_MS)
    expect([stage.state.role, stage.state.armed]).toEqual(['active', false])
    const [wish] = stage.persisted
    stage.controlMoves = false
    stage.run(MAIN_STALL_MS + 200)
    expect(stage.heart.health(true, null).stalled).toBe(true)
    stage.heart.take({ type: 'persisted', ticket: wish?.ticket ?? 0 })
    expect(stage.state.persistedTicket).toBe(0)
    goOn(stage)
    expect(stage.state.persistedTicket).toBe(wish?.ticket)
  })
})
