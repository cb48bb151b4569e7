/**
 * What keeps the other node from taking over, as far as its heartbeats tell?
 */
import type { StatusDocument } from './schema.ts'

export function peerTroubles(peer: StatusDocument['peer']): string[] {
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
