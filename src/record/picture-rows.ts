/**
 * Which rows does a node have in the picture, and what is in them?
 */
import type { Blocker } from '../core/reason.ts'
import { CONDITION_WORDS, conditionsOf, type Episode, episodesOf } from './conditions.ts'
import type { FlightRecord } from './file.ts'
import { gapsBetween, type Lanes, type Span } from './lanes.ts'

/** A stretch with the class that gives it its colour, and what stands in it. */
export interface Bar extends Span {
  kind: string
  label: string
}

export interface Row {
  label: string
  /** `thin`: one of several that belong together. */
  height: 'normal' | 'thin'
  /** Left out where none of the group has anything to show. */
  group: 'probes' | 'conditions' | null
  bars: Bar[]
}

const ROLE_WORDS = {
  standby: 'standby',
  elect: 'candidate',
  take: 'candidate',
  active: 'active',
  demoting: 'demoting',
} as const

/** From what the node is, down to what its clients see. */
export function rowsOf(record: FlightRecord, lanes: Lanes): Row[] {
  const { policy, pingNodes } = record.header
  const peer = record.header.node === 'sp1' ? 'sp2' : 'sp1'
  const direct = lanes.paths.filter((path) => path.direct && path.spans.length > 0)
  const reflected = lanes.paths.filter((path) => !path.direct).flatMap(({ spans }) => spans)
  const rows: Row[] = [
    {
      label: 'role',
      height: 'normal',
      group: null,
      bars: lanes.roles.map((span) => ({
        ...span,
        kind: `role-${ROLE_WORDS[span.role]}`,
        label: ROLE_WORDS[span.role],
      })),
    },
    ...direct.map(({ name, spans }) => row(`hears ${peer}: ${name}`, 'heard', spans)),
  ]
  if (reflected.length > 0) {
    rows.push(row(`hears ${peer}: reflected`, 'heard', joined(reflected)))
  }
  if (pingNodes.length > 0) rows.push(row('most ping nodes answer', 'majority', lanes.majority))
  rows.push({ ...row('probes meet nobody', 'free', lanes.free), group: 'probes' })
  return [
    ...rows,
    ...conditionRows(episodesOf(record), conditionsOf(policy.timing)),
    row('lease', 'lease', lanes.lease),
    row('gate open', 'gate', lanes.gate),
    row('floating IPs here', 'address', lanes.addresses),
  ]
}

function row(label: string, kind: string, spans: readonly Span[]): Row {
  const bars = spans.map((span) => ({ ...span, kind, label: '' }))
  return { label, height: 'normal', group: null, bars }
}

function joined(spans: readonly Span[]): Span[] {
  const all = [...spans].sort((a, b) => a.fromMs - b.fromMs)
  const gaps = gapsBetween(all)
  const last = Math.max(...all.map(({ untilMs }) => untilMs))
  const begins = [all[0]?.fromMs ?? 0, ...gaps.map(({ untilMs }) => untilMs)]
  const ends = [...gaps.map(({ fromMs }) => fromMs), last]
  return begins.map((fromMs, index) => ({ fromMs, untilMs: ends[index] ?? fromMs }))
}

/** One thin row a letter: the stretches of each silence in which all parts of it held. */
function conditionRows(
  episodes: readonly Episode[],
  table: readonly (readonly [Blocker, string, string])[],
): Row[] {
  if (episodes.length === 0) return []
  const letters = ['T0', 'T1', 'T2', 'T3', 'T4', 'T5'].filter((letter) =>
    table.some(([, name]) => name === letter),
  )
  return letters.map((letter) => {
    const codes = table.filter(([, name]) => name === letter).map(([code]) => code)
    const spans = episodes.flatMap((episode) => heldIn(episode, codes))
    const label = `${letter} ${CONDITION_WORDS[letter] ?? ''}`
    return { ...row(label, 'condition', spans), height: 'thin', group: 'conditions' }
  })
}

function heldIn(episode: Episode, codes: readonly Blocker[]): Span[] {
  const holding = new Set(codes.filter((code) => episode.before.includes(code)))
  const spans: Span[] = []
  let fromMs = holding.size === codes.length ? episode.fromMs : null
  for (const { atMs, code, holds } of episode.changes) {
    if (!codes.includes(code)) continue
    if (holds) holding.add(code)
    else holding.delete(code)
    if (holding.size === codes.length) fromMs ??= atMs
    else if (fromMs !== null) {
      spans.push({ fromMs, untilMs: atMs })
      fromMs = null
    }
  }
  return fromMs === null ? spans : [...spans, { fromMs, untilMs: episode.untilMs }]
}
