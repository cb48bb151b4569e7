/**
 * Is a file system getting full, and how soon will it be? Judged from one look after another; pure.
 *
 * Two levels. Below the first an operator is told. Below the second, or when what is left of the first
 * is gone within half a minute at the rate of the last looks, the node should no longer serve: a planned
 * move needs stores that still work. A level is left only when clearly more is free again, and has been
 * for a while, so that a temporary file does not move the role there and back.
 */
import type { FreeSpace } from '../system/free-space.ts'

export type SpaceState = 'enough' | 'low' | 'critical'

const MIB = 1024 ** 2

/** Of the file system, and never more than the bytes: a large disk is not full at 15 %. */
const LOW = { ratio: 0.15, bytes: 2048 * MIB }
const CRITICAL = { ratio: 0.05, bytes: 512 * MIB }
/** Where the critical level was configured, the other one is this many times as high. */
const LOW_TO_CRITICAL = 3

/** The rate is that of the time before, this long at the most. */
const RATE_OVER_MS = 60_000
/** Full sooner than this at the rate of nearly a minute: low, whatever is free. */
const SOON_MS = 10 * 60_000
const SOON_OVER_MS = 45_000
/** Low, and full sooner than this at the rate of the last looks: critical. */
const AT_ONCE_MS = 30_000
/** Of so many parts of the time looked at, the slowest counts: what is written once is no rate. */
const PARTS = 3

/** So much more must be free before a level is left, */
const RELIEF = 1.4
/** and for so long. */
const RELIEF_MS = 60_000

const RANK: Readonly<Record<SpaceState, number>> = { enough: 0, low: 1, critical: 2 }

export interface SpaceLevels {
  lowBytes: number
  criticalBytes: number
}

/** @param minFreeBytes  the critical level as configured; null: by the size */
export function levelsOf(totalBytes: number, minFreeBytes: number | null): SpaceLevels {
  if (minFreeBytes !== null) {
    return { lowBytes: LOW_TO_CRITICAL * minFreeBytes, criticalBytes: minFreeBytes }
  }
  return {
    lowBytes: Math.min(LOW.ratio * totalBytes, LOW.bytes),
    criticalBytes: Math.min(CRITICAL.ratio * totalBytes, CRITICAL.bytes),
  }
}

export interface SpaceReading extends FreeSpace, SpaceLevels {
  state: SpaceState
  /** At the rate of the last minute; null when it is not getting fuller, or not known yet. */
  fullInMs: number | null
}

interface Look {
  atMs: number
  freeBytes: number
}

/** When it will be full; null when it is not steadily getting fuller, or not known. */
interface Forecast {
  /** At the rate of the last minute. */
  steadilyMs: number | null
  /** At the rate of the last few looks. */
  atOnceMs: number | null
}

/** One file system over time. */
export class SpaceGauge {
  readonly #minFreeBytes: number | null
  #totalBytes = 0
  #looks: Look[] = []
  #state: SpaceState = 'enough'
  /** Since when a better state would be right; null when it would not. */
  #betterSinceMs: number | null = null

  constructor(minFreeBytes: number | null) {
    this.#minFreeBytes = minFreeBytes
  }

  note({ freeBytes, totalBytes }: FreeSpace, nowMs: number): SpaceReading {
    // Enlarged, or another file system in its place: what was there says nothing about this one.
    if (totalBytes !== this.#totalBytes) this.#looks = []
    this.#totalBytes = totalBytes
    this.#looks.push({ atMs: nowMs, freeBytes })
    this.#looks = this.#looks.filter(({ atMs }) => nowMs - atMs <= RATE_OVER_MS)
    const levels = levelsOf(totalBytes, this.#minFreeBytes)
    const spanMs = nowMs - (this.#looks[0]?.atMs ?? nowMs)
    const forecast = {
      steadilyMs: spanMs < SOON_OVER_MS ? null : fullInMs(this.#looks),
      atOnceMs: fullInMs(this.#looks.slice(-PARTS - 1)),
    }
    this.#settle(freeBytes, levels, forecast, nowMs)
    const { steadilyMs } = forecast
    return { freeBytes, totalBytes, ...levels, state: this.#state, fullInMs: steadilyMs }
  }

  #settle(freeBytes: number, levels: SpaceLevels, forecast: Forecast, nowMs: number): void {
    const found = judge(freeBytes, levels, forecast)
    if (RANK[found] > RANK[this.#state]) this.#state = found
    const relieved = judge(freeBytes / RELIEF, levels, forecast)
    if (RANK[relieved] >= RANK[this.#state]) {
      this.#betterSinceMs = null
      return
    }
    this.#betterSinceMs ??= nowMs
    if (nowMs - this.#betterSinceMs < RELIEF_MS) return
    this.#state = relieved
    this.#betterSinceMs = null
  }
}

function fullInMs(looks: readonly Look[]): number | null {
  const step = Math.floor((looks.length - 1) / PARTS)
  const left = looks.at(-1)?.freeBytes ?? 0
  let slowest = Number.POSITIVE_INFINITY
  for (let part = 0; part < PARTS; part += 1) {
    const end = looks.at(-1 - part * step)
    const begin = looks.at(-1 - (part + 1) * step)
    if (step < 1 || end === undefined || begin === undefined) return null
    const bytesPerMs = (begin.freeBytes - end.freeBytes) / (end.atMs - begin.atMs)
    slowest = Math.min(slowest, bytesPerMs)
  }
  return slowest > 0 ? left / slowest : null
}

function judge(freeBytes: number, levels: SpaceLevels, forecast: Forecast): SpaceState {
  if (freeBytes < levels.criticalBytes) return 'critical'
  const { steadilyMs, atOnceMs } = forecast
  if (freeBytes < levels.lowBytes) {
    return atOnceMs !== null && atOnceMs < AT_ONCE_MS ? 'critical' : 'low'
  }
  return steadilyMs !== null && steadilyMs < SOON_MS ? 'low' : 'enough'
}
