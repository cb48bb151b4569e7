/**
 * What was measured in one phase of a drill, as figures? Pure: from answers and the report of a call.
 */
import type { TestCallReport } from '../sip/test-call-report.ts'
import type { Series } from './instruments.ts'
import type { Bounds, Leg } from './plan.ts'
import type { Figure } from './report.ts'
import { longestSilence, type Window } from './samples.ts'
import { WRITE_LIMIT_MS } from './store-probe.ts'

/** RTP comes every 20 ms. */
const PACKET_MS = 20

export interface Measured {
  leg: Leg
  window: Window
  series: readonly Series[]
  bounds: Bounds
  /** Lost writes by store before this phase. */
  lostBefore: ReadonlyMap<string, number>
  /** Confirmed writes by store before this phase. */
  confirmedBefore: ReadonlyMap<string, number>
  /** Why no call stood, or how it ended; `none`: there is no such check. */
  call: TestCallReport | string | 'none'
}

/** `sp1>sp2`, or `sp1` where the role is to stay. */
export function legName({ from, to }: Leg): string {
  return from === to ? from : `${from}>${to}`
}

export function figuresIn(measured: Measured): Figure[] {
  return [...measured.series.flatMap((series) => ofSeries(series, measured)), ...ofCall(measured)]
}

function ofSeries(series: Series, measured: Measured): Figure[] {
  switch (series.kind) {
    case 'address':
      return [ofAddress(series, measured)]
    case 'sip':
      return [ofSip(series, measured)]
    case 'store':
      return ofStore(series, measured)
  }
}

function ofAddress(series: Series, { leg, window, bounds }: Measured): Figure {
  const figure = {
    key: `outage ${series.name} ${legName(leg)}`,
    what: `silence of ${series.name}`,
    unit: 'ms' as const,
    bound: bounds.outageMs,
  }
  const seen = series.answers.filter(({ atMs }) => atMs >= window.fromMs && atMs <= window.toMs)
  const blind = series.blind !== null && (series.blind === leg.from || series.blind === leg.to)
  if (blind && seen.length === 0) {
    return { ...figure, value: null, bound: null, note: `never answered while ${leg.from} served` }
  }
  if (blind) {
    const note = `while ${series.blind} has it nobody can be asked from here; run it on the other node`
    return { ...figure, value: null, bound: null, note }
  }
  const value = longestSilence(series.answers, window)
  const by = [...new Set(seen.map((answer) => answer.by))]
  const note =
    value === null ? 'it never answered' : `answered by ${by.join(', then ') || 'nobody'}`
  return { ...figure, value: rounded(value), note }
}

function ofSip(series: Series, { leg, window }: Measured): Figure {
  const value = longestSilence(series.answers, window)
  const every = Math.round(series.bridgeMs / 3)
  return {
    key: `sip ${series.name} ${legName(leg)}`,
    what: `silence of SIP at ${series.name}`,
    value: rounded(value),
    ...{ unit: 'ms', bound: null },
    note: value === null ? (series.trouble ?? 'it never answered') : `asked every ${every} ms`,
  }
}

function ofStore(series: Series, measured: Measured): Figure[] {
  const { leg, window, bounds, lostBefore, confirmedBefore } = measured
  const value = longestSilence(series.answers, window)
  const lost = (series.lost ?? 0) - (lostBefore.get(series.name) ?? 0)
  const confirmed = (series.confirmed ?? 0) - (confirmedBefore.get(series.name) ?? 0)
  return [
    {
      key: `stall ${series.name} ${legName(leg)}`,
      what: `no write to ${series.name} confirmed`,
      value: rounded(value),
      ...{ unit: 'ms', bound: null },
      note: `longest time; may contain ${WRITE_LIMIT_MS} ms for which a client waits for an answer`,
    },
    {
      key: `lost ${series.name} ${legName(leg)}`,
      what: `confirmed writes to ${series.name} that are gone`,
      ...{ value: lost, unit: 'writes', bound: bounds.lost.get(series.name) ?? null },
      note: `of ${confirmed} confirmed`,
    },
  ]
}

function ofCall({ leg, call }: Measured): Figure[] {
  if (call === 'none') return []
  const key = `call ${legName(leg)}`
  const what = 'longest gap in the audio of a call'
  if (typeof call === 'string') {
    return [{ key, what, value: null, unit: 'ms', bound: null, note: `no call stood: ${call}` }]
  }
  const { audio, outcome, why } = call
  const gaps = [audio?.caller.gapMs, audio?.callee?.gapMs].filter((ms) => ms != null)
  const lived = outcome === 'ok'
  const figures: Figure[] = [
    {
      key,
      what,
      value: gaps.length === 0 ? null : rounded(Math.max(...gaps)),
      ...{ unit: 'ms', bound: null },
      note: `packets come every ${PACKET_MS} ms; ${why}`,
    },
    {
      key: `call-died ${legName(leg)}`,
      what: 'calls that did not live on',
      ...{ value: lived ? 0 : 1, unit: 'calls', bound: 0 },
      note: lived ? 'its BYE was answered afterwards' : `${outcome}: ${why}`,
    },
  ]
  return figures
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10
}
