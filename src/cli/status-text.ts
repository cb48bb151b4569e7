/**
 * How does a status look at a glance? The two sentences that matter, then the tables.
 *
 * Pure: a document and a way to paint become text. Everything that needs an operator is coloured and
 * stands near the top; all of it can be read without colours.
 */

import { formatMs } from '../control/duration.ts'
import { balancerWanted, balancerWord } from '../control/load-balancer-word.ts'
import type { StatusDocument } from '../control/schema.ts'
import { formatBytes } from '../control/space-sentence.ts'
import { peerStoreWord, storeWord } from '../control/store-word.ts'
import type { Tone, Word } from '../control/tone.ts'
import { differencesTable } from './drift-text.ts'
import { noticesTable } from './notice-text.ts'
import type { Paint } from './paint.ts'
import { peerSentence } from './peer-sentence.ts'
import { quorumTables } from './quorum-text.ts'
import { servicesTable } from './service-text.ts'
import { type Cell, cell, printable, table } from './table.ts'
import { transitionSentence } from './transition-text.ts'
import { verifiedTable } from './verified-text.ts'
import { watchdogLine } from './watchdog-text.ts'

export function statusText(status: StatusDocument, paint: Paint): string {
  const blocks = [
    headline(status, paint),
    alarms(status, paint),
    nodes(status, paint),
    paths(status, paint),
    pingNodes(status, paint),
    quorumTables(status, paint),
    floatingIps(status, paint),
    stores(status, paint),
    services(status, paint),
    loadBalancers(status, paint),
    testCall(status),
    verifiedTable(status, paint),
    differencesTable(status, paint),
    noticesTable(status, paint),
    watchdogLine(status, paint),
    lastChange(status),
    agent(status),
  ]
  return blocks.filter((block) => block !== '').join('\n')
}

/** The tone of a node's public state word. */
export function stateTone(state: StatusDocument['local']['state']): Tone {
  switch (state) {
    case 'active':
      return 'good'
    case 'standby':
      return 'plain'
    case 'transition':
      return 'warn'
    case 'unknown':
      return 'bad'
  }
}

function headline({ node, peerNode, local, peer }: StatusDocument, paint: Paint): string {
  const state = paint(local.state.toUpperCase(), stateTone(local.state))
  const since = `for ${formatMs(local.sinceMsAgo)}, term ${local.term}`
  const ours = `${node} (this node) is ${state} ${since}: ${printable(local.reason.sentence)}`
  return `${ours}\n${peerSentence(peerNode, peer, paint)}\n`
}

function alarms({ alarms, local }: StatusDocument, paint: Paint): string {
  const rows = [
    ...local.unhealthyReasons.map((sentence) => ['  unhealthy', sentence]),
    ...(local.gate.attached ? [] : [['  gate', 'it is not where it was put; service may be open']]),
    ...(local.gate.weaker === null ? [] : [['  gate', local.gate.weaker]]),
    ...alarms.map(({ code, sentence, sinceIso }) => [
      `  ${code}`,
      `${sentence} (since ${sinceIso})`,
    ]),
  ]
  if (rows.length === 0) return ''
  return `${paint(`To mend (${rows.length})`, 'bad')}\n${table(rows, paint)}`
}

function nodes(status: StatusDocument, paint: Paint): string {
  const { node, peerNode, local, peer, pingNodes } = status
  const reach = (score: number | null, majority: boolean | null): Cell => {
    if (score === null) return cell('?', 'dim')
    const words = majority === true ? 'majority' : 'no majority'
    return cell(`${score} of ${pingNodes.length}, ${words}`, majority === true ? 'plain' : 'bad')
  }
  const lease = local.leaseLeftMs === null ? 'none' : `${formatMs(local.leaseLeftMs)} left`
  return table(
    [
      titles(['', `${node} (this node)`, peerNode]),
      ['role', local.role, peer.role ?? '?'],
      ['term', String(local.term), peer.term === null ? '?' : String(peer.term)],
      ['able', yes(local.able, 'bad'), yes(peer.able, 'bad')],
      ['healthy', yes(local.healthy, 'bad'), yes(peer.healthy, 'bad')],
      ['maintenance', no(local.maintenance), no(peer.maintenance)],
      ['ping nodes', reach(status.score, status.majority), reach(peer.score, peer.majority)],
      ...data(status),
      ['lease', lease],
      ['gate', `${local.gate.state} (${local.gate.kind})`],
    ],
    paint,
  )
}

/** Who has which writes, for a pair whose stores can prove it. */
function data({ local, peer }: StatusDocument): Cell[][] {
  if (!local.sync && !local.inSync && !local.sole && peer.inSync !== true) return []
  const ours = local.sync
    ? cell('confirmed with the peer')
    : local.sole
      ? cell('confirmed alone', 'warn')
      : cell(local.inSync ? 'in sync' : 'not in sync')
  return [[cell('data'), ours, cell(peer.inSync === true ? 'in sync' : '-')]]
}

function paths({ paths }: StatusDocument, paint: Paint): string {
  return table(
    [
      titles(['path', 'interface', 'state', 'loss', 'round trip', 'heard', 'from', 'to']),
      ...paths.map((path) => [
        path.name,
        path.interface,
        cell(path.state, path.state === 'up' ? 'plain' : path.state === 'lossy' ? 'warn' : 'bad'),
        percent(path.lossRatio),
        roundTrip(path.roundTripMs),
        ago(path.lastHeardMsAgo),
        path.ours,
        path.theirs,
      ]),
    ],
    paint,
  )
}

function pingNodes({ pingNodes }: StatusDocument, paint: Paint): string {
  if (pingNodes.length === 0) return ''
  return table(
    [
      titles(['ping node', 'named by', 'state', 'loss', 'round trip', 'reflects']),
      ...pingNodes.map((pingNode) => [
        pingNode.address,
        pingNode.source,
        cell(pingNode.state, pingNode.state === 'answering' ? 'plain' : 'bad'),
        percent(pingNode.lossRatio),
        roundTrip(pingNode.roundTripMs),
        pingNode.reflects === null ? 'not tried' : pingNode.reflects ? 'yes' : 'no',
      ]),
    ],
    paint,
  )
}

function floatingIps({ floatingIps }: StatusDocument, paint: Paint): string {
  if (floatingIps.length === 0) return ''
  return table(
    [
      titles(['floating IP', 'interface', 'here', 'verified', 'announced']),
      ...floatingIps.map((ip) => [
        `${ip.address}/${ip.prefixLength}`,
        ip.label ?? ip.interface,
        ip.present ? 'yes' : 'no',
        ip.verified === null ? cell('not looked') : yes(ip.verified, 'bad'),
        ago(ip.lastAnnouncedMsAgo),
      ]),
    ],
    paint,
  )
}

function stores({ stores }: StatusDocument, paint: Paint): string {
  if (stores.length === 0) return ''
  return table(
    [
      titles(['store', 'state', 'offset', "the peer's", 'backlog', 'free', 'last return']),
      ...stores.map((store) => [
        `${store.name} (${store.kind}${store.version === null ? '' : ` ${printable(store.version)}`})`,
        cellOf(storeWord(store)),
        store.offset === null ? '?' : String(store.offset),
        cellOf(peerStoreWord(store)),
        store.backlog === null ? '-' : String(store.backlog),
        freeSpace(store),
        store.rejoin === null ? '-' : printable(store.rejoin.sentence),
      ]),
    ],
    paint,
  )
}

function services({ services: all }: StatusDocument, paint: Paint): string {
  return all.length === 0 ? '' : servicesTable(all, paint)
}

function loadBalancers({ loadBalancers: all, drained }: StatusDocument, paint: Paint): string {
  if (all.length === 0) return ''
  return table(
    [
      titles(['load-balancer', 'has this pair as', 'wanted', 'destination']),
      ...all.map((balancer) => [
        `${balancer.name} (${balancer.kind})`,
        cellOf(balancerWord(balancer)),
        cellOf(balancerWanted(balancer, drained)),
        `${printable(balancer.destination)}, set ${balancer.set}`,
      ]),
    ],
    paint,
  )
}

/** Why it fails is an alarm as well. */
function testCall({ call }: StatusDocument): string {
  if (call === null) return ''
  return `test call  ${call.atIso}  ${call.ok ? 'went well' : 'failed'}: ${printable(call.why)}\n`
}

function freeSpace({ space }: StatusDocument['stores'][number]): Cell {
  if (space === null) return cell('?', 'dim')
  const free = formatBytes(space.freeBytes)
  if (space.state === 'enough') return cell(free)
  const soon = space.fullInMs === null ? '' : `, full in ${formatMs(space.fullInMs)}`
  return cell(`${free} (${space.state}${soon})`, space.state === 'low' ? 'warn' : 'bad')
}

function lastChange({ lastTransition }: StatusDocument): string {
  if (lastTransition === null) return ''
  return `last change  ${lastTransition.atIso}  ${transitionSentence(lastTransition)}\n`
}

function agent({ version, profile, mode, timing, local, self }: StatusDocument): string {
  const { heartbeatMs, leaseMs } = timing
  return (
    `tandem ${printable(version)}, mode ${mode}, timing ${profile} ` +
    `(heartbeat ${heartbeatMs} ms, lease ${leaseMs} ms)\n` +
    `agent ${self.pid}, up ${formatMs(self.uptimeMs)}, ` +
    `${self.realtime ? 'real-time' : 'not real-time'}, ` +
    `loop late by at most ${formatMs(self.loopDelayMs.maxLastMinute)} in the last minute, ` +
    `${worstDelay(self)}${plural(self.pauses, 'pause')} since the start, ${Math.round(self.rssBytes / 1_048_576)} MiB, ` +
    `gate refused ${local.gate.refusals} of ${plural(local.gate.commands, 'command')}\n`
  )
}

function worstDelay({ loopDelayMs: { max, maxAtIso } }: StatusDocument['self']): string {
  return maxAtIso === null ? '' : `${formatMs(max)} ever (${maxAtIso}), `
}

function cellOf({ text, tone }: Word): Cell {
  return cell(printable(text), tone)
}

function titles(words: readonly string[]): Cell[] {
  return words.map((word) => cell(word.toUpperCase(), 'title'))
}

function yes(truth: boolean | null, otherwise: Tone): Cell {
  if (truth === null) return cell('?', 'dim')
  return truth ? cell('yes') : cell('no', otherwise)
}

function no(truth: boolean | null): Cell {
  if (truth === null) return cell('?', 'dim')
  return truth ? cell('yes', 'warn') : cell('no')
}

function percent(ratio: number): Cell {
  const rounded = Math.round(ratio * 1000) / 10
  return cell(`${rounded} %`, rounded >= 1 ? 'warn' : 'plain')
}

function roundTrip(measured: { median: number; max: number } | null): string {
  return measured === null ? '?' : `${formatMs(measured.median)} (max ${formatMs(measured.max)})`
}

function ago(ms: number | null): string {
  return ms === null ? 'never' : `${formatMs(ms)} ago`
}

function plural(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? '' : 's'}`
}
