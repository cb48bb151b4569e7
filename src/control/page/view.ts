/**
 * What does the page say? A status document as words, for the left and the right side of the picture.
 *
 * Pure, and the same sp1 left and sp2 right wherever it is looked at from. What one node knows of the other comes
 * from its heartbeats; what it cannot know is not shown.
 */
import { amountOf } from '../amount.ts'
import { formatMs } from '../duration.ts'
import { peerTroubles } from '../peer-word.ts'
import type { ExplainDocument, StatusDocument } from '../schema.ts'
import { type Word, word } from '../tone.ts'

export type NodeName = StatusDocument['node']

export interface NodeView {
  name: NodeName
  /** The node that is asked. */
  here: boolean
  /** Large. */
  role: Word
  /** Why, or since when. */
  sentence: string
  facts: Word[]
  bar: { title: string; leftMs: number; wholeMs: number } | null
  /** The floating IPs, at the one that serves. */
  addresses: Word[]
}

export function nodeViews(status: StatusDocument): [NodeView, NodeView] {
  const us = oursView(status)
  const them = theirsView(status)
  return us.name === 'sp1' ? [us, them] : [them, us]
}

const ROLE_WORDS: Readonly<Record<StatusDocument['local']['state'], Word>> = {
  active: word('Active', 'good'),
  standby: word('Standby'),
  transition: word('In transition', 'warn'),
  unknown: word('Unknown', 'bad'),
}

function oursView(status: StatusDocument): NodeView {
  const { node, local, pingNodes, score, majority } = status
  const facts = [
    word(`${local.state} for ${formatMs(calm(local.sinceMsAgo))}, term ${local.term}`),
    reach(score, pingNodes.length, majority),
  ]
  if (local.maintenance) facts.push(word('in maintenance: it does not act', 'warn'))
  else if (!local.able) facts.push(word('not able to serve', 'bad'))
  facts.push(...local.unhealthyReasons.map((reason) => word(reason, 'bad')))
  const data = dataWord(local)
  if (data !== null) facts.push(data)
  return {
    name: node,
    here: true,
    role: ROLE_WORDS[local.state],
    sentence: local.reason.sentence,
    facts,
    bar: barOf(status),
    addresses: local.state === 'active' ? addressWords(status) : [],
  }
}

function theirsView(status: StatusDocument): NodeView {
  const { peer, peerNode, node, pingNodes } = status
  const common = { name: peerNode, here: false, bar: null }
  if (!peer.heard) {
    const when = peer.lastHeardMsAgo
    const sentence =
      when === null
        ? `${node} has not heard it since its agent started`
        : `${node} heard it last ${formatMs(calm(when))} ago`
    return { ...common, role: word('Silent', 'bad'), sentence, facts: [], addresses: [] }
  }
  const troubles = peerTroubles(peer).map((trouble) => word(trouble, 'bad'))
  const able = peer.state === 'standby' && troubles.length === 0
  return {
    ...common,
    role: ROLE_WORDS[peer.state],
    sentence: able ? 'able to take over' : peer.state === 'active' ? 'serves' : '',
    facts: [
      word(`heard by ${node}, term ${peer.term ?? '?'}`),
      ...(peer.score === null ? [] : [reach(peer.score, pingNodes.length, peer.majority === true)]),
      ...troubles,
      ...(peer.inSync === true ? [word('has every confirmed write')] : []),
    ],
    addresses: peer.state === 'active' ? addressWords(status) : [],
  }
}

/** A figure under a second says no more than that it was now; above, whole seconds are enough. */
function calm(ms: number): number {
  return ms < 1_000 ? ms : Math.floor(ms / 1_000) * 1_000
}

function reach(score: number, of: number, majority: boolean): Word {
  const verdict = majority ? '' : ', no majority'
  return word(`reaches ${score} of ${of} ping nodes${verdict}`, majority ? 'plain' : 'bad')
}

function dataWord({ sync, sole, inSync }: StatusDocument['local']): Word | null {
  if (sync) return word('confirms each write together with the peer')
  if (sole) return word('confirms writes alone', 'warn')
  return inSync ? word('has every confirmed write') : null
}

function barOf({ local, timing }: StatusDocument): NodeView['bar'] {
  const { leaseLeftMs, grantLeftMs } = local
  if (leaseLeftMs !== null) {
    return { title: 'Lease', leftMs: leaseLeftMs, wholeMs: timing.leaseMs }
  }
  if (grantLeftMs === null) return null
  const wholeMs = timing.leaseMs + timing.marginMs
  return { title: 'Stands back', leftMs: grantLeftMs, wholeMs }
}

function addressWords({ floatingIps, local }: StatusDocument): Word[] {
  return floatingIps.map(({ address, prefixLength, verified }) => {
    const named = `${address}/${prefixLength}`
    if (local.state !== 'active' || verified === null) return word(named)
    return verified ? word(`${named}, answered`) : word(`${named}, not answered`, 'bad')
  })
}

/** How a path or a ping node does: the sign beside the word, for those who do not see colours. */
export interface LinkView {
  name: string
  state: Word
  sign: '●' | '◐' | '○'
  figures: string
  more: string
}

export function pathViews({ paths }: StatusDocument): LinkView[] {
  return paths.map(({ name, kind, state, lossRatio, roundTripMs, ours, theirs }) => ({
    name: kind === 'reflected' ? `reflected by ${theirs}` : name,
    state: word(state, state === 'up' ? 'good' : state === 'lossy' ? 'warn' : 'bad'),
    sign: state === 'up' ? '●' : state === 'lossy' ? '◐' : '○',
    figures: figuresOf(lossRatio, roundTripMs),
    more: kind === 'reflected' ? name : `${ours} to ${theirs}`,
  }))
}

export function pingViews({ pingNodes }: StatusDocument): LinkView[] {
  return pingNodes.map(({ address, source, state, lossRatio, roundTripMs, reflects }) => ({
    name: address,
    state: word(state.replace('-', ' '), state === 'answering' ? 'good' : 'bad'),
    sign: state === 'answering' ? '●' : '○',
    figures: figuresOf(lossRatio, roundTripMs),
    more: `${reflects === null ? 'not tried as a mirror' : reflects ? 'reflects heartbeats' : 'does not reflect'}, named by ${source}`,
  }))
}

function figuresOf(lossRatio: number, roundTripMs: { median: number } | null): string {
  const loss = `${Math.round(lossRatio * 1000) / 10} % lost`
  return roundTripMs === null ? loss : `${loss}, ${formatMs(roundTripMs.median)}`
}

export interface MovePlan {
  from: NodeName
  to: NodeName
  title: string
  /** What the confirmation asks, naming both nodes. */
  question: string
  blockers: ExplainDocument['blockers']
  /** What is known about the data of each store. */
  data: Word[]
}

/** What a planned move would be now. */
export function movePlan(status: StatusDocument, explain: ExplainDocument): MovePlan {
  const { to, blockers } = explain.switchover
  const from = to === 'sp1' ? 'sp2' : 'sp1'
  return {
    ...{ from, to, blockers },
    title: `Switch over from ${from} to ${to}`,
    question: `${from} stops serving and ${to} becomes active.`,
    data: [
      ...status.stores.map(storeRisk),
      ...explain.hazards.map(({ store, sentence }) => word(`${store}: ${sentence}`, 'warn')),
    ],
  }
}

function storeRisk({ name, kind, sick, peer }: StatusDocument['stores'][number]): Word {
  if (sick) return word(`${name} is sick: whether it can be handed over is not known`, 'bad')
  if (peer === null || peer.role === null) {
    return word(`${name}: how far the other copy is, is not known`, 'warn')
  }
  if (peer.behind === 0) return word(`${name}: the other copy has everything`)
  const behind = peer.behind === null ? 'may be behind' : `is ${amountOf(kind, peer.behind)} behind`
  return word(`${name}: the other copy ${behind}; writes are held until it has everything`)
}
