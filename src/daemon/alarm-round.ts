/**
 * Who learns of the alarms that stand? The peer and the operators, every few seconds.
 */
import type { PairConfig } from '../config/config.ts'
import type { Alarm } from '../control/notice.ts'
import type { Snapshot } from '../control/snapshot.ts'
import { readingTurn } from '../control/status.ts'
import { hearsPeer } from '../core/turn.ts'
import { stateWordOf } from '../wire/state-line.ts'
import type { NoticeDesk } from './notice-desk.ts'
import type { PeerPost } from './peer-post.ts'

export function tellAlarms(
  found: Snapshot,
  around: { config: PairConfig; standing: readonly Alarm[]; peerPost: PeerPost; desk: NoticeDesk },
): void {
  const { config, standing, peerPost, desk } = around
  const { role, armed, peer } = found.state
  const peerHeard = hearsPeer(readingTurn(found, config))
  peerPost.look({ stores: found.stores, standing, peerHeard })
  desk.look({
    ...{ nowMs: Date.now(), standing, serves: armed, peerHeard },
    state: stateWordOf(role, armed),
    peerState: peer === null || !peerHeard ? 'unknown' : stateWordOf(peer.role, true),
    peerAlarms: peerPost.peerAlarms,
  })
}
