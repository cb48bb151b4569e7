/**
 * How long is that, for people? At most two units, no more digits than the eye needs.
 */

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** `0.2 ms`, `12 ms`, `1.5 s`, `3 min 20 s`, `5 h 1 min`, `12 d 3 h`. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${trim(Math.max(0, ms))} ms`
  if (ms < SECOND_MS) return `${Math.floor(ms)} ms`
  if (ms < MINUTE_MS) return `${trim(Math.floor(ms / 100) / 10)} s`
  if (ms < HOUR_MS) return two(ms, MINUTE_MS, 'min', SECOND_MS, 's')
  if (ms < DAY_MS) return two(ms, HOUR_MS, 'h', MINUTE_MS, 'min')
  return two(ms, DAY_MS, 'd', HOUR_MS, 'h')
}

function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '')
}

function two(ms: number, largeMs: number, large: string, smallMs: number, small: string): string {
  const rest = Math.floor((ms % largeMs) / smallMs)
  const head = `${Math.floor(ms / largeMs)} ${large}`
  return rest === 0 ? head : `${head} ${rest} ${small}`
}
