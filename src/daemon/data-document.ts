/**
 * What does this node hold of the stores, and what was set aside? What `GET /v1/data` answers.
 *
 * From a snapshot of the heart and a look into the directories of the archives.
 */
import { join } from 'node:path'
import type { PairConfig } from '../config/config.ts'
import { behindSentence } from '../control/alarm.ts'
import type { DataDocument } from '../control/data-schema.ts'
import type { Snapshot } from '../control/snapshot.ts'
import { stateWordOf } from '../wire/state-line.ts'
import { listArchives } from './archive-list.ts'

export interface DataAround {
  config: PairConfig
  stateDir: string
  isoOf: (atMs: number) => string
}

export async function dataDocument(
  snapshot: Snapshot,
  { config, stateDir, isoOf }: DataAround,
): Promise<DataDocument> {
  const stores = snapshot.stores.map(async (store) => {
    const { name, kind, role, following, offset, backlog, waiting, rejoin } = store
    return {
      ...{ name, kind, role, following, offset, backlog },
      // What it waited for is over as soon as it follows.
      waiting: following ? null : waiting,
      rejoin: rejoin === null ? null : { atIso: isoOf(rejoin.atMs), sentence: rejoin.sentence },
      archivesKept: config.stores.find((told) => told.name === name)?.archivesKept ?? 1,
      archives: await listArchives(join(stateDir, 'archive'), name),
    }
  })
  return {
    schema: 1,
    node: config.node,
    state: stateWordOf(snapshot.state.role, snapshot.state.armed),
    behind: snapshot.state.behind ? behindSentence(config) : null,
    stores: await Promise.all(stores),
  }
}
