/**
 * Which lines does each part of the screen have? Paths, ping nodes, floating IPs, stores, services, alarms and
 * the timeline, each as lines that may be cut to a width.
 */
import { formatMs } from '../control/duration.ts'
import type { StatusDocument, TransitionRecord } from '../control/schema.ts'
import { serviceWord } from '../control/service-word.ts'
import { peerStoreWord, storeWord } from '../control/store-word.ts'
import type { Tone, Word } from '../control/tone.ts'
import { type Glyphs, type Line, pad, type Span, span } from './line.ts'
import { transitionSentence } from './transition-text.ts'
import type { Changes, SeenChange } from './watch-facts.ts'

export interface Item {
  line: Line
  /** What is bad is the last to be left out where room is short. */
  tone: Tone
}

export interface Block {
  title: string
  items: readonly Item[]
  /** Never cut to fewer lines. */
  least: number
  /** Lower gives way sooner where room is short. */
  rank: number
}

interface Frame {
  changes: Changes
  glyphs: Glyphs
  /** Width of one of the two columns. */
  column: number
}

/** A word, marked when it is otherwise than at the beginning. */
export function marked({ text, tone }: Word, changed: boolean, glyphs: Glyphs): Span {
  return changed ? span(`${glyphs.mark}${text}`, 'changed') : span(text, tone)
}

export function alarmBlock({ alarms, local }: StatusDocument, { changes, glyphs }: Frame): Block {
  const sentences = [
    ...local.unhealthyReasons.map((sentence) => ({ sentence, since: '' })),
    ...(local.gate.attached
      ? []
      : [{ sentence: 'the gate is not where it was put; service may be open', since: '' }]),
    ...alarms.map(({ sentence, sinceIso }) => ({ sentence, since: ` (since ${clock(sinceIso)})` })),
  ]
  const items = sentences.map(({ sentence, since }): Item => {
    const text = marked({ text: sentence, tone: 'bad' }, changes.has(`alarm: ${sentence}`), glyphs)
    return { line: [text, span(since, 'dim')], tone: 'bad' }
  })
  return { title: `TO MEND (${items.length})`, items, least: 2, rank: 5 }
}

export function pathBlock({ paths }: StatusDocument, frame: Frame): Block {
  const items = paths.map(({ name, state, lossRatio, roundTripMs }): Item => {
    const tone = state === 'up' ? 'plain' : state === 'lossy' ? 'warn' : 'bad'
    return linkItem({ fact: `path ${name}`, name, state, tone, lossRatio, roundTripMs }, frame)
  })
  return { title: 'PATHS TO THE PEER', items, least: 3, rank: 1 }
}

export function pingBlock({ pingNodes, majority, score }: StatusDocument, frame: Frame): Block {
  const items = pingNodes.map(({ address, state, lossRatio, roundTripMs }): Item => {
    const tone = state === 'answering' ? 'plain' : 'bad'
    const fact = `ping node ${address}`
    // Longer than its column.
    const short = state === 'never-answered' ? 'never yet' : state
    return linkItem({ fact, name: address, state: short, tone, lossRatio, roundTripMs }, frame)
  })
  const verdict = majority ? 'majority' : 'NO MAJORITY'
  return {
    title: `PING NODES  ${score} of ${pingNodes.length}, ${verdict}`,
    items,
    least: 3,
    rank: 1,
  }
}

interface LinkFigures {
  fact: string
  name: string
  state: string
  tone: Tone
  lossRatio: number
  roundTripMs: { median: number } | null
}

/** Widths of the last three columns: state with its mark, loss, round trip. */
const LINK_WIDTHS = [11, 6, 6] as const

function linkItem(figures: LinkFigures, { changes, glyphs, column }: Frame): Item {
  const { fact, name, state, tone, lossRatio, roundTripMs } = figures
  const [stateWidth, lossWidth, tripWidth] = LINK_WIDTHS
  const nameWidth = Math.max(8, Math.min(24, column - stateWidth - lossWidth - tripWidth))
  const percent = Math.round(lossRatio * 1000) / 10
  const loss = percent >= 10 ? Math.round(percent) : percent
  const line = [
    ...pad([span(name)], nameWidth - 1, glyphs),
    span(' '),
    ...pad([marked({ text: state, tone }, changes.has(fact), glyphs)], stateWidth, glyphs),
    ...pad([span(`${loss} %`, loss >= 1 ? 'warn' : 'plain')], lossWidth, glyphs),
    span(roundTripMs === null ? '?' : formatMs(roundTripMs.median)),
  ]
  return { line, tone }
}

export function addressBlock({ floatingIps }: StatusDocument, { changes, glyphs }: Frame): Block {
  const width = Math.max(...floatingIps.map((ip) => `${ip.address}/${ip.prefixLength}`.length), 0)
  const items = floatingIps.map(({ address, prefixLength, present, verified }): Item => {
    const fact = changes.has(`floating IP ${address}`)
    const here = marked({ text: present ? 'here' : 'not here', tone: 'plain' }, fact, glyphs)
    const bad = present && verified === false
    const seen = !present || verified === null ? '' : verified ? ', answered' : ', NOT answered'
    const line = [
      span(`${address}/${prefixLength}`.padEnd(width + 2)),
      here,
      span(seen, bad ? 'bad' : 'plain'),
    ]
    return { line, tone: bad ? 'bad' : 'plain' }
  })
  return { title: 'FLOATING IPS', items, least: 2, rank: 3 }
}

export function storeBlock({ stores }: StatusDocument, { changes, glyphs }: Frame): Block {
  const items = stores.map((store): Item => {
    const word = storeWord(store)
    const peer = peerStoreWord(store)
    const line = [
      ...pad([span(store.name)], 12, glyphs),
      marked(word, changes.has(`store ${store.name}`), glyphs),
      span('; peer '),
      span(peer.text, peer.tone),
    ]
    return { line, tone: word.tone }
  })
  return { title: 'STORES', items, least: 2, rank: 4 }
}

export function serviceBlock({ services }: StatusDocument, { changes, glyphs }: Frame): Block {
  const items = services.map((service): Item => {
    const word = serviceWord(service)
    const mark = marked(word, changes.has(`service ${service.name}`), glyphs)
    return { line: [...pad([span(service.name)], 16, glyphs), mark], tone: word.tone }
  })
  return { title: 'SERVICES', items, least: 2, rank: 2 }
}

/** Changes of the role as the agent recorded them, and what was seen since the watching began. */
export function timelineBlock(
  transitions: readonly TransitionRecord[],
  seen: readonly SeenChange[],
  node: string,
): Block {
  const told = transitions.map((transition) => ({
    atIso: transition.atIso,
    span: span(`${node} ${transitionSentence(transition)}`),
  }))
  const noticed = seen.map(({ atIso, sentence }) => ({ atIso, span: span(sentence, 'changed') }))
  const items = [...told, ...noticed]
    .sort((one, other) => Date.parse(other.atIso) - Date.parse(one.atIso))
    .map(({ atIso, span: what }): Item => {
      return { line: [span(`${dayAndClock(atIso)}  `, 'dim'), what], tone: 'plain' }
    })
  return { title: 'TIMELINE, NEWEST FIRST (UTC)', items, least: 2, rank: 0 }
}

/** `12:00:00` of wall time in UTC, as all our records are. */
export function clock(iso: string): string {
  return /T(\d\d:\d\d:\d\d)/.exec(iso)?.[1] ?? iso
}

function dayAndClock(iso: string): string {
  const [, month, day] = /^\d+-(\d\d)-(\d\d)T/.exec(iso) ?? []
  return month === undefined ? iso : `${month}-${day} ${clock(iso)}`
}
