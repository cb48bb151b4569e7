/**
 * How is the other node, in one sentence? Whether it is there, and what keeps it from taking over.
 */

import { formatMs } from '../control/duration.ts'
import { peerTroubles } from '../control/peer-word.ts'
import type { StatusDocument } from '../control/schema.ts'
import type { NodeName } from '../core/policy.ts'
import type { Paint } from './paint.ts'

/** One line without its newline. */
export function peerSentence(name: NodeName, peer: StatusDocument['peer'], paint: Paint): string {
  if (peer.lastHeardMsAgo === null) {
    return `${name} is ${paint('SILENT', 'bad')}: not heard since this agent started`
  }
  const ago = `${formatMs(peer.lastHeardMsAgo)} ago`
  if (!peer.heard) return `${name} is ${paint('SILENT', 'bad')}: last heard ${ago}`
  const state = peer.state.toUpperCase()
  const tone = peer.state === 'active' ? 'good' : peer.state === 'standby' ? 'plain' : 'warn'
  const sentence = `${name} is ${paint(state, tone)}, heard ${ago}`
  const troubles = peerTroubles(peer)
  if (troubles.length > 0) return `${sentence}, but ${troubles.join(', ')}`
  return peer.state === 'standby' ? `${sentence}, able to take over` : sentence
}
