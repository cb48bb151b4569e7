/**
 * How is the other node, in one sentence? Whether it is there, and what keeps it from taking over.
 */

import type { StatusDocument } from '../control/schema.ts'
import type { NodeName } from '../core/policy.ts'
import { formatMs } from './duration.ts'
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
  const troubles = troublesOf(peer)
  if (troubles.length > 0) return `${sentence}, but ${troubles.join(', ')}`
  return peer.state === 'standby' ? `${sentence}, able to take over` : sentence
}

function troublesOf(peer: StatusDocument['peer']): string[] {
  const troubles: string[] = []
  if (peer.maintenance === true) troubles.push('in maintenance')
  if (peer.healthy === false) troubles.push('its services failed')
  const explained = troubles.length > 0
  if (peer.able === false && !explained && peer.state === 'standby') {
    troubles.push('not able to serve (it may lack data)')
  }
  if (peer.hearsUs === false) troubles.push('it does not hear this node')
  if (peer.digestEqual === false) troubles.push('its configuration differs')
  return troubles
}
