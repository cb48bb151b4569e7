/**
 * How do lines of this node go to the journal? With its name, and the number of what they tell.
 */
import type { PairConfig } from '../config/config.ts'
import { fieldsOfEvent } from '../control/journal-table.ts'
import { JOURNAL_SOCKET } from '../system/journal.ts'
import type { JournalDoor } from '../system/log.ts'
import { sendDatagram } from '../system/native.ts'

export function journalDoor({
  node,
  hostName,
}: Pick<PairConfig, 'node' | 'hostName'>): JournalDoor {
  const common = { SYSLOG_IDENTIFIER: 'tandem', TANDEM_NODE: node, TANDEM_HOST: hostName }
  return {
    send: (entry) => sendDatagram(JOURNAL_SOCKET, entry),
    fieldsOf: (event) => ({ ...common, ...fieldsOfEvent(event) }),
  }
}
