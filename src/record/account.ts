/**
 * What happened, in sentences for somebody who was just woken up?
 *
 * One line a thing, in order of time, on the clock of the node that saw it. What repeats (heartbeats, ping
 * rounds, renewals of the lease) is told when it begins and when it ends.
 */
import { peerOf } from '../core/policy.ts'
import { CONDITION_WORDS, conditionsOf, type Episode, episodesOf } from './conditions.ts'
import type { FlightRecord } from './file.ts'
import { type Lanes, lanesOf } from './lanes.ts'
import { Teller } from './teller.ts'
import { line, ms, type Told } from './told.ts'

/** Everything worth telling, oldest first. */
export function accountOf(record: FlightRecord, lanes: Lanes = lanesOf(record)): Told[] {
  const blipMs = BLIP_INTERVALS * record.header.policy.timing.heartbeatMs
  const told = new Teller(record).tell()
  const lines = [
    ...tellPaths(record, lanes),
    ...tellPingNodes(record, lanes),
    ...tellMajority(lanes, blipMs),
    ...episodesOf(record).flatMap((episode) => tellEpisode(record, episode)),
    ...BLIPS.reduce((left, code) => withoutBlips(left, code, blipMs), told),
  ]
  // Sorting is stable: of one moment the order above is kept.
  return lines.sort((a, b) => a.atMs - b.atMs)
}

/** Words of the peer that come and go with a single late tick of either node. */
const BLIPS = ['peer-majority', 'peer-hears'] as const
const BLIP_INTERVALS = 3

/** Without what was taken back at once. */
function withoutBlips(lines: readonly Told[], code: string, limitMs: number): Told[] {
  const dropped = new Set<Told>()
  const flips = lines.filter((line) => line.code === code)
  for (let index = 0; index + 1 < flips.length; index += 1) {
    const [one, next] = [flips[index], flips[index + 1]]
    if (one === undefined || next === undefined || next.atMs - one.atMs > limitMs) continue
    dropped.add(one).add(next)
    index += 1
  }
  return lines.filter((line) => !dropped.has(line))
}

/** Stretches in which the agent stood still: what it did not hear then says nothing of others. */
function wasStanding({ pauses }: Lanes, fromMs: number): boolean {
  return pauses.some((pause) => fromMs >= pause.fromMs - PAUSE_SLACK_MS && fromMs < pause.untilMs)
}

const PAUSE_SLACK_MS = 100

function tellMajority(lanes: Lanes, limitMs: number): Told[] {
  const { majority } = lanes
  return majority.flatMap((span, index) => {
    const before = majority[index - 1]
    const silentMs = before === undefined ? 0 : span.fromMs - before.untilMs
    if (before === undefined || silentMs <= limitMs) return []
    if (wasStanding(lanes, before.untilMs)) return []
    return [
      line(before.untilMs, 'majority', 'from here on most ping nodes do not answer', 'warn'),
      line(span.fromMs, 'majority', `most ping nodes answer again, after ${ms(silentMs)}`, 'good'),
    ]
  })
}

/** A path that fell silent while others went on says which cable; all of them, that the peer is gone. */
function tellPaths({ header }: FlightRecord, lanes: Lanes): Told[] {
  const peer = peerOf(header.node)
  const { suspicionMs } = header.policy.timing
  const lines: Told[] = []
  for (const { name, direct, spans } of lanes.paths) {
    if (!direct) continue
    for (const [index, span] of spans.entries()) {
      const before = spans[index - 1]
      const silentMs = before === undefined ? 0 : span.fromMs - before.untilMs
      if (before === undefined && span.fromMs - header.beginMs > suspicionMs) {
        lines.push(line(span.fromMs, 'path-heard', `${peer} is heard on path ${name}`))
      } else if (
        silentMs > suspicionMs &&
        before !== undefined &&
        !wasStanding(lanes, before.untilMs)
      ) {
        const sentence = `${peer} is heard on path ${name} again, after ${ms(silentMs)}`
        lines.push(line(span.fromMs, 'path-heard', sentence, 'good'))
      }
      const after = spans[index + 1]
      if ((after?.fromMs ?? header.endMs) - span.untilMs <= suspicionMs) continue
      if (wasStanding(lanes, span.untilMs)) continue
      const sentence = `the last heartbeat of ${peer} on path ${name}`
      lines.push(line(span.untilMs, 'path-silent', sentence, 'warn'))
    }
  }
  return lines
}

function tellPingNodes({ header }: FlightRecord, lanes: Lanes): Told[] {
  const limitMs = header.policy.timing.dampingMs
  const lines: Told[] = []
  for (const { name, spans } of lanes.pingNodes) {
    for (const [index, span] of spans.entries()) {
      const nextMs = spans[index + 1]?.fromMs ?? header.endMs
      if (nextMs - span.untilMs <= limitMs || wasStanding(lanes, span.untilMs)) continue
      lines.push(line(span.untilMs, 'ping-node', `the last answer of ping node ${name}`, 'warn'))
    }
  }
  return lines
}

function tellEpisode({ header }: FlightRecord, episode: Episode): Told[] {
  const { policy, node } = header
  const peer = peerOf(node)
  const table = conditionsOf(policy.timing)
  const sentenceOf = (code: string): string => {
    const [, letter, sentence] = table.find(([blocker]) => blocker === code) ?? ['', '', code]
    return `${letter}: ${sentence}`
  }
  const held = table.filter(([code]) => episode.before.includes(code)).map(([, letter]) => letter)
  // A letter with two parts holds when both do.
  const open = new Set(
    table.filter(([code]) => !episode.before.includes(code)).map(([, letter]) => letter),
  )
  const letters = [...new Set(held)].filter((letter) => !open.has(letter)).sort()
  const modes = policy.mode === 'fence' ? letters : letters.filter((letter) => letter !== 'T2f')
  const already = modes.map((letter) => `${letter} ${CONDITION_WORDS[letter] ?? ''}`).join(', ')
  return [
    line(
      episode.fromMs,
      'peer-silent',
      `nothing of ${peer} for ${policy.timing.suspicionMs} ms on any path: it is called silent. Of what a takeover needs, already so: ${already || 'nothing'}`,
      'warn',
    ),
    ...episode.changes.map(({ atMs, code, holds }) =>
      holds
        ? line(atMs, 'condition', `a condition holds, ${sentenceOf(code)}`)
        : line(atMs, 'condition-ended', `a condition holds no longer, ${sentenceOf(code)}`, 'warn'),
    ),
  ]
}
