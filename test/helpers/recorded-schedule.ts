/**
 * Nodes of the simulator as the flight recorder would have kept them: one record for each life of an agent.
 */
import type { Policy } from '../../src/core/policy.ts'
import type { State } from '../../src/core/state.ts'
import {
  CORE_FINGERPRINT,
  type FlightRecord,
  RECORD_FORMAT,
  type RecordedChange,
} from '../../src/record/file.ts'
import { lanesOf } from '../../src/record/lanes.ts'
import { Recorder } from '../../src/record/recorder.ts'
import { copyRing } from '../../src/record/ring.ts'
import { summaryOf } from '../../src/record/summary.ts'
import { runSchedule, type ScheduleOptions } from '../../src/sim/schedule.ts'
import type { World } from '../../src/sim/world.ts'

export interface Life {
  recorder: Recorder
  policy: Policy
  steps: number
  changes: RecordedChange[]
  /** State of the node after the last step. */
  last: State
  now: () => number
}

/** Records every agent that is started from now on. */
export function recordLives(world: World): Life[] {
  const lives: Life[] = []
  for (const node of Object.values(world.nodes)) {
    const other = node.observer
    let life: Life | null = null
    node.observer = {
      stepped: (before, event, after) => {
        other?.stepped(before, event, after)
        if (life === null || event.type === 'start') {
          const now = (): number => node.now()
          const recorder = new Recorder(now)
          life = { recorder, policy: node.policy, steps: 0, changes: [], last: after, now }
          lives.push(life)
        }
        life.steps += 1
        life.last = after
        if (event.type === 'heartbeat') life.recorder.heardOn(event.direct, 0)
        life.recorder.stepped(before, event, after)
        const opened = after.armed && !before.armed
        if (before.role === after.role && !opened) return
        const { role: to, term, reason } = after
        life.changes.push({ atMs: event.nowMs, from: before.role, to, opened, term, reason })
      },
      carriedOut: (effect, refused) => {
        other?.carriedOut(effect, refused)
        life?.recorder.carriedOut(effect, refused)
      },
    }
  }
  return lives
}

export interface Recording extends Life {
  record: FlightRecord
}

/** A whole schedule, with the faults of its seed. */
export function recordSchedule(seed: number, options: ScheduleOptions): Recording[] {
  let lives: Life[] = []
  runSchedule(seed, options, (world) => {
    lives = recordLives(world)
  })
  return lives.map((life) => ({ ...life, record: recordOf(life) }))
}

/** @param fromMs  only changes from this moment of the node's clock on are what the record is about */
export function recordOf(life: Life, fromMs = 0): FlightRecord {
  const { recorder, policy, last } = life
  const slice = recorder.slice(0)
  if (slice === null) throw new Error('nothing was recorded')
  const span = { begin: slice.begin.position, end: slice.end }
  const numbers = copyRing(recorder.ring.buffer, span)
  if (numbers === null) throw new Error('the ring was written over')
  const changes = life.changes.filter(({ atMs }) => atMs >= fromMs)
  const names = (count: number) => Array.from({ length: count }, (_, index) => `192.0.2.${index}`)
  const header: FlightRecord['header'] = {
    format: RECORD_FORMAT,
    core: CORE_FINGERPRINT,
    program: '0.0.0',
    node: policy.node,
    boot: last.boot,
    pivotMs: changes[0]?.atMs ?? slice.endMs,
    wallOffsetMs: Date.UTC(2026, 0, 1) - slice.begin.atMs,
    policy,
    paths: ['crosslink'],
    pingNodes: names(policy.pingNodeCount),
    floatingIps: ['192.0.2.100'],
    stores: [],
    changes,
    summary: { what: '', why: '', outageMs: null },
    begin: slice.begin.state,
    beginMs: slice.begin.atMs,
    endMs: slice.endMs,
    addresses: null,
    texts: slice.texts,
    notes: slice.notes,
  }
  header.summary = summaryOf(changes, lanesOf({ header, numbers }))
  return { header, numbers }
}
