/**
 * Goal: what is written into the ring is what happened, every number of it, and today's core decides the
 * same about it. Method: schedules of the simulator with all their faults, recorded on both nodes, packed,
 * unpacked and replayed; and single entries of every kind.
 */
import { describe, expect, test } from 'vitest'
import type { Effect } from '../../src/core/effect.ts'
import type { Event } from '../../src/core/event.ts'
import type { Heartbeat } from '../../src/core/heartbeat.ts'
import { REASONS } from '../../src/core/reason.ts'
import { initialState, type State } from '../../src/core/state.ts'
import { step } from '../../src/core/step.ts'
import { EFFECTS, type Entry, EVENTS, entriesOf, REASON_NAMES } from '../../src/record/entry.ts'
import { packRecord, unpackRecords } from '../../src/record/file.ts'
import { Recorder } from '../../src/record/recorder.ts'
import { replay, replayRefusal } from '../../src/record/replay.ts'
import { copyRing } from '../../src/record/ring.ts'
import { type Recording, recordSchedule } from '../helpers/recorded-schedule.ts'
import { OUR_BOOT, PEER } from '../helpers/snapshot-case.ts'

const STATE = initialState(OUR_BOOT, { term: 0, sole: false }, 3)

/** What was written since the first step. */
function readBack(recorder: Recorder): Entry[] {
  const slice = recorder.slice(0)
  if (slice === null) throw new Error('nothing was recorded')
  const numbers = copyRing(recorder.ring.buffer, { begin: slice.begin.position, end: slice.end })
  if (numbers === null) throw new Error('it was written over')
  return [...entriesOf(numbers, slice.texts)]
}

describe('an entry', () => {
  const position = { term: 7, offset: 2 ** 40 + 1 }
  const heartbeat: Heartbeat = {
    ...PEER,
    ...{ seq: 2 ** 33, term: 12, role: 'active', want: true, score: 31, heardAgoMs: 0.123 },
    ...{ grant: false, position, sync: true, inSync: true, sole: true, avoid: true, ask: 'sp1' },
    ...{ healthy: false, maintenance: true, hears: false, direct: false },
  }
  const nowMs = 1_000_000.123_456
  const events: Event[] = [
    { type: 'start', nowMs },
    { type: 'tick', nowMs },
    { type: 'heartbeat', nowMs, heartbeat, direct: true },
    { type: 'heartbeat', nowMs, heartbeat: { ...PEER, ackBoot: null, ask: 'sp2' }, direct: false },
    { type: 'pong', nowMs, round: 123_456_789, pingNode: 30 },
    { type: 'probed', nowMs, sentAtMs: 999_999.5, clear: true },
    { type: 'probed', nowMs, sentAtMs: 999_999.5, clear: false, knock: true },
    { type: 'probed', nowMs, sentAtMs: 999_999.5, clear: false, knock: false },
    { type: 'persisted', nowMs, ticket: 9 },
    { type: 'refused', nowMs },
    { type: 'demoted', nowMs },
    { type: 'witness', nowMs, sentAtMs: 5.5, attempt: 77, granted: true },
    { type: 'fenced', nowMs, off: true },
    { type: 'ask', nowMs, node: 'sp2', force: true },
    { type: 'health', nowMs, healthy: true },
    { type: 'maintenance', nowMs, on: true, force: true },
    { type: 'behind', nowMs, behind: true },
    { type: 'position', nowMs, position },
    { type: 'confirms', nowMs, together: true },
    { type: 'frozen', nowMs, position },
  ]

  test('of each kind of event says all of it', () => {
    const recorder = new Recorder(() => nowMs)
    const after: State = { ...STATE, role: 'take', armed: true, reason: 'peer-reaches-more' }
    for (const event of events) {
      recorder.heardOn(false, 4)
      recorder.stepped(STATE, event, after)
    }
    const read = readBack(recorder)
    expect(read.map((entry) => entry.type === 'step' && entry.event)).toStrictEqual(events)
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(EVENTS.map(([type]) => type)))
    for (const entry of read) {
      expect(entry).toMatchObject({ role: 'take', armed: true, reason: 'peer-reaches-more' })
    }
    expect(read[2]).toMatchObject({ path: { direct: false, index: 4 } })
    expect(read[1]).toMatchObject({ path: null })
  })

  test('of each kind of effect says all of it, and whether it was refused', () => {
    const recorder = new Recorder(() => 42.5)
    const effects: Effect[] = [
      { type: 'send', heartbeat, reflect: true },
      { type: 'ping', round: 3 },
      { type: 'probe' },
      { type: 'persist', ticket: 4, term: 9, sole: true },
      { type: 'occupy', deadlineMs: 1.5, first: true },
      { type: 'open', deadlineMs: 2.5, takeover: true },
      { type: 'extend', deadlineMs: 3.5 },
      { type: 'close' },
      { type: 'promote' },
      { type: 'demote' },
      { type: 'freeze' },
      { type: 'unfreeze' },
      { type: 'ask-witness', attempt: 5 },
      { type: 'fence' },
      { type: 'set-aside' },
      { type: 'confirm', alone: true },
    ]
    recorder.stepped(STATE, { type: 'tick', nowMs }, STATE)
    for (const effect of effects) recorder.carriedOut(effect, effect.type === 'open')
    const read = readBack(recorder).slice(1)
    expect(read.map((entry) => entry.type === 'effect' && entry.effect)).toStrictEqual(effects)
    expect(effects.map(({ type }) => type)).toEqual(EFFECTS.map(([type]) => type))
    const refused = read.filter((entry) => entry.type === 'effect' && entry.refused)
    expect(refused).toMatchObject([{ effect: { type: 'open' }, atMs: 42.5 }])
  })

  test('has room for every reason', () => {
    expect(REASON_NAMES).toEqual(Object.keys(REASONS))
    expect(REASON_NAMES.length).toBeLessThanOrEqual(32)
  })
})

describe('the ring', () => {
  test('keeps the newest when it is full, from a state on', () => {
    const recorder = new Recorder(() => 0, 2048)
    for (let nowMs = 0; nowMs < 20_000; nowMs += 1) {
      recorder.stepped(
        { ...STATE, seq: nowMs },
        { type: 'pong', nowMs, round: 1, pingNode: 1 },
        STATE,
      )
    }
    const read = readBack(recorder)
    const moments = read.map((entry) => (entry.type === 'step' ? entry.event.nowMs : null))
    const first = 20_000 - moments.length
    expect(moments).toEqual(Array.from(moments, (_, index) => first + index))
    expect(moments.length).toBeGreaterThan(500)
    expect(recorder.slice(0)?.begin.state.seq).toBe(first)
  })

  test('tells a reader that was overtaken', () => {
    const recorder = new Recorder(() => 0, 2048)
    const write = (count: number): void => {
      for (let i = 0; i < count; i += 1) {
        recorder.stepped(STATE, { type: 'tick', nowMs: i }, STATE)
      }
    }
    write(500)
    const slice = recorder.slice(0)
    const span = { begin: slice?.begin.position ?? -1, end: slice?.end ?? -1 }
    expect(copyRing(recorder.ring.buffer, span)).not.toBeNull()
    write(1000)
    expect(copyRing(recorder.ring.buffer, span)).toBeNull()
  })

  test('begins anew when more starts of the peer were heard than it can name', () => {
    const recorder = new Recorder(() => 0)
    for (let i = 0; i < 600; i += 1) {
      const boot = i.toString(16).padStart(16, '0')
      const event = { type: 'heartbeat', nowMs: i, direct: true } as const
      recorder.stepped(STATE, { ...event, heartbeat: { ...PEER, boot } }, STATE)
    }
    const last = readBack(recorder).at(-1)
    expect(last).toMatchObject({ event: { heartbeat: { boot: '0000000000000257' } } })
  })
})

describe('a schedule of the simulator', () => {
  test.each([1, 2, 3, 4, 5, 6])(
    'is decided the same again (seed %i)',
    async (seed) => {
      for (const recording of recordSchedule(seed, { virtualMs: 12_000, profile: 'fast' })) {
        const { record, last } = recording
        const unpacked = await unpackRecords(await packRecord(record))
        if (typeof unpacked === 'string' || unpacked[0] === undefined)
          throw new Error(String(unpacked))
        expect(unpacked).toStrictEqual([record])
        expect(replayRefusal(unpacked[0])).toBeNull()
        const again = replay(unpacked[0])
        expect(again).toMatchObject({ steps: recording.steps, differing: 0, differences: [] })
        expect(stateAfter(recording)).toStrictEqual(last)
      }
    },
    60_000,
  )

  test('decided by another core shows where they part', () => {
    const recording = recordSchedule(2, { virtualMs: 12_000, profile: 'fast' }).find(({ record }) =>
      [...entriesOf(record.numbers, record.header.texts)].some(
        (entry) => entry.type === 'effect' && entry.effect.type === 'open',
      ),
    )
    if (recording === undefined) throw new Error('no gate opened')
    const generous: typeof step = (state, event, policy) => {
      const decision = step(state, event, policy)
      const effects = decision.effects.map((effect) =>
        effect.type === 'open' ? { ...effect, deadlineMs: effect.deadlineMs + 1 } : effect,
      )
      return { ...decision, effects }
    }
    const { differences, differing } = replay(recording.record, generous)
    expect(differing).toBeGreaterThan(0)
    expect(differences[0]?.recorded).toMatch(/^open deadlineMs \d/)
    expect(differences[0]?.today).toMatch(/^open deadlineMs \d/)

    const idle: typeof step = (state, event, policy) =>
      event.type === 'tick' ? { state, effects: [] } : step(state, event, policy)
    expect(replay(recording.record, idle).differing).toBeGreaterThan(0)
  })

  test('of a core with another state is refused', () => {
    const [recording] = recordSchedule(1, { virtualMs: 12_000, profile: 'fast' })
    if (recording === undefined) throw new Error('nothing was recorded')
    const { header, numbers } = recording.record
    const other = { header: { ...header, core: '0123456789ab' }, numbers }
    expect(replayRefusal(other)).toMatch(/^was made by a core with another state \(0123456789ab,/)
  })
})

function stateAfter({ record }: Recording): State {
  let state: State = record.header.begin
  for (const entry of entriesOf(record.numbers, record.header.texts)) {
    if (entry.type === 'step') state = step(state, entry.event, record.header.policy).state
  }
  return state
}
