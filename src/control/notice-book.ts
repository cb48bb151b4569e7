/**
 * When is an operator told of an alarm? Once when it began, once a day while it goes on, once when it is over.
 *
 * Pure but for what it remembers; time comes in. What does not last is not told: an alarm has to stand for
 * HOLD_MS, and to be gone for QUIET_MS. Each return doubles the latter, so that one that comes and goes all
 * day becomes one alarm that goes on. What is new is told together, and not more often than every GAP_MS.
 *
 *     (raised) --HOLD--> told "began" --daily--> "goes on"
 *        ^ gone before: forgotten  |
 *        |                         +-- gone for QUIET x 2^returns --> told "over"
 *        +---- raised again within an hour: a return
 *
 * Of what both nodes see, one speaks: `toldByPeer`. What the peer told of counts as told here, so that
 * whoever speaks when it is over says so.
 */
import type { Alarm, AlarmNews } from './notice.ts'
import type { TransitionRecord } from './schema.ts'

/** Longer than what a switchover or a restart stirs up. */
const HOLD_MS = 10_000
/** The peer tells of its alarms every few seconds: one that it tells of as well is known by then. */
const HOLD_SECOND_MS = 20_000
const QUIET_MS = 60_000
const QUIET_MAX_MS = 3_600_000
/** An alarm that is over and did not return for so long begins anew. */
const FORGET_MS = 3_600_000
const GAP_MS = 30_000
/** What is remembered, at most; each alarm is about one thing that is configured. */
const KEPT_MAX = 500
const CHANGES_MAX = 20

/** What is remembered of an alarm, as it is kept on disk: wall time, for the agent may be restarted. */
export interface BookEntry {
  alarm: Alarm
  /** Stands since, or stood since. */
  sinceMs: number
  /** Null while it stands. */
  goneMs: number | null
  /** When it was told last; null when it never was, or is over and that was told. */
  toldMs: number | null
  returns: number
  /** The peer tells operators of it as well, as of the last look while it stood. */
  byPeer: boolean
}

export interface BookLook {
  /** Wall time. */
  nowMs: number
  standing: readonly Alarm[]
  /** Whether the peer tells operators of this alarm, so that this node need not. */
  toldByPeer: (alarm: Alarm) => boolean
  /** The peer speaks for both: this node leaves it some time to say that it has an alarm, too. */
  second: boolean
}

export interface News {
  changes: readonly TransitionRecord[]
  alarms: readonly AlarmNews[]
}

export class NoticeBook {
  readonly #remindAfterMs: number
  readonly #entries: Map<string, BookEntry>
  #changes: { atMs: number; record: TransitionRecord }[] = []
  #spokeMs: number | null = null

  /** @param entries  of an earlier start */
  constructor(remindAfterMs: number, entries: readonly BookEntry[] = []) {
    this.#remindAfterMs = remindAfterMs
    this.#entries = new Map(entries.slice(-KEPT_MAX).map((entry) => [alarmKey(entry.alarm), entry]))
  }

  /** To be kept for the next start. */
  get entries(): readonly BookEntry[] {
    return [...this.#entries.values()]
  }

  /** This node serves now. */
  serves(record: TransitionRecord, nowMs: number): void {
    this.#changes = [...this.#changes, { atMs: nowMs, record }].slice(-CHANGES_MAX)
  }

  /** @returns what is to be told now; null when nothing is */
  look(look: BookLook): News | null {
    this.#note(look)
    const { nowMs } = look
    if (this.#spokeMs !== null && !passed(this.#spokeMs, nowMs, GAP_MS)) return null
    const alarms = this.#entriesDue(look)
    const settled = this.#changes.some(({ atMs }) => passed(atMs, nowMs, HOLD_MS))
    if (alarms.length === 0 && !settled) return null
    const changes = this.#changes.map(({ record }) => record)
    this.#changes = []
    this.#spokeMs = nowMs
    return { changes, alarms }
  }

  #note({ nowMs, standing, toldByPeer }: BookLook): void {
    const raised = new Map(standing.map((alarm) => [alarmKey(alarm), alarm]))
    for (const [key, alarm] of raised) {
      const known = this.#entries.get(key)
      if (known === undefined) {
        if (this.#entries.size >= KEPT_MAX) continue
        const entry = {
          alarm,
          sinceMs: nowMs,
          goneMs: null,
          toldMs: null,
          returns: 0,
          byPeer: false,
        }
        this.#entries.set(key, entry)
      } else this.#stands(known, alarm, nowMs)
    }
    for (const [key, entry] of this.#entries) {
      if (raised.has(key)) {
        entry.byPeer = toldByPeer(entry.alarm)
        if (entry.byPeer) entry.toldMs ??= nowMs
        continue
      }
      entry.goneMs ??= nowMs
      if (entry.toldMs !== null) continue
      // Never told, or told to be over: only its returns are worth remembering.
      if (passed(entry.goneMs, nowMs, FORGET_MS)) this.#entries.delete(key)
    }
  }

  #stands(entry: BookEntry, alarm: Alarm, nowMs: number): void {
    entry.alarm = {
      ...alarm,
      sinceIso: entry.goneMs === null ? entry.alarm.sinceIso : alarm.sinceIso,
    }
    if (entry.goneMs === null) return
    // One that was told and is back before that was over goes on; one that was not begins anew.
    entry.returns += 1
    if (entry.toldMs === null) entry.sinceMs = nowMs
    entry.goneMs = null
  }

  #entriesDue({ nowMs, second }: BookLook): AlarmNews[] {
    const due: AlarmNews[] = []
    const hold = second ? HOLD_SECOND_MS : HOLD_MS
    for (const entry of this.#entries.values()) {
      const { alarm, sinceMs, goneMs, toldMs, returns, byPeer } = entry
      const what = whatIsDue(entry, { nowMs, hold, remindAfterMs: this.#remindAfterMs })
      if (what === null) continue
      // What both see is told by one of them; either way it is told.
      entry.toldMs = what === 'over' ? null : nowMs
      if (byPeer) continue
      const endedIso = what === 'over' && goneMs !== null ? new Date(goneMs).toISOString() : null
      const sinceIso = toldMs === null ? new Date(sinceMs).toISOString() : alarm.sinceIso
      due.push({ ...alarm, sinceIso, what, returns, endedIso })
    }
    return due
  }
}

/** The same alarm, whatever its sentence says just now. */
export function alarmKey({ code, about }: Pick<Alarm, 'code' | 'about'>): string {
  return `${code} ${about}`
}

/** A clock that was set back puts nothing off. */
function passed(fromMs: number, nowMs: number, ms: number): boolean {
  return nowMs < fromMs || nowMs - fromMs >= ms
}

function whatIsDue(
  { sinceMs, goneMs, toldMs, returns }: BookEntry,
  { nowMs, hold, remindAfterMs }: { nowMs: number; hold: number; remindAfterMs: number },
): AlarmNews['what'] | null {
  if (goneMs !== null) {
    const quietMs = Math.min(QUIET_MS * 2 ** returns, QUIET_MAX_MS)
    return toldMs !== null && passed(goneMs, nowMs, quietMs) ? 'over' : null
  }
  if (toldMs === null) return passed(sinceMs, nowMs, hold) ? 'began' : null
  return passed(toldMs, nowMs, remindAfterMs) ? 'goes-on' : null
}
