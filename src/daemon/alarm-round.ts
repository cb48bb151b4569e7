/**
 * Who learns of the alarms? Of those that stand the peer and the operators, every few seconds; of what began or is
 * over the log and whoever follows the events, at once.
 */
import type { PairConfig } from '../config/config.ts'
import type { EventBoard } from '../control/events.ts'
import { fieldsOfAlarm } from '../control/journal-table.ts'
import type { Alarm } from '../control/notice.ts'
import type { Snapshot } from '../control/snapshot.ts'
import { readingTurn } from '../control/status.ts'
import { hearsPeer } from '../core/turn.ts'
import type { Log } from '../system/log.ts'
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

export function sayAlarms(
  { began, ended }: { began: readonly Alarm[]; ended: readonly Alarm[] },
  { log, events }: { log: Log; events: EventBoard },
): void {
  for (const alarm of began) {
    log.line('warning', alarm.code, alarm.sentence, fieldsOfAlarm(alarm, 'raised'))
    events.emit({ type: 'alarm', document: { now: 'raised', alarm } })
  }
  for (const alarm of ended) {
    log.line('info', alarm.code, `over: ${alarm.sentence}`, fieldsOfAlarm(alarm, 'over'))
    events.emit({ type: 'alarm', document: { now: 'over', alarm } })
  }
}
