/**
 * What is told of the stores to whoever asks for the state of this node? Plain values, for other threads.
 */
import type { StoreSnapshot } from '../control/snapshot.ts'
import type { StorePost } from './store-post.ts'
import type { RejoinRecord, StoreRejoin } from './store-rejoin.ts'
import type { StoreView } from './store-watch.ts'

export interface StoreBooks {
  rejoined: ReadonlyMap<string, RejoinRecord>
  rejoin: Pick<StoreRejoin, 'waiting'>
  space: { of(store: StoreView['store']): StoreSnapshot['space'] }
  settings: { of(store: StoreView['store']): ReadonlyMap<string, string> }
  post: Pick<StorePost, 'peerOf' | 'lossOf'>
}

export function storeSnapshots(
  views: readonly Readonly<StoreView>[],
  { rejoined, rejoin, space, settings, post }: StoreBooks,
): StoreSnapshot[] {
  return views.map(({ store, report, fault, sick }) => ({
    name: store.name,
    kind: store.kind,
    role: report?.role ?? null,
    offset: report?.position.offset ?? null,
    following: report?.following ?? false,
    applies: report?.applies ?? true,
    backlog: report?.backlog ?? null,
    confirmsTogether: report?.confirmsTogether ?? false,
    sick,
    trouble: fault?.message ?? null,
    hazards: report?.hazards ?? [],
    version: report?.version ?? null,
    space: space.of(store),
    settings: settings.of(store),
    waiting: rejoin.waiting(store),
    rejoin: rejoinOf(rejoined.get(store.name)),
    peer: post.peerOf(store.name),
    loss: post.lossOf(store.name),
  }))
}

function rejoinOf(record: RejoinRecord | undefined): StoreSnapshot['rejoin'] {
  if (record === undefined) return null
  const { atMs, comparison, way, archive } = record
  return { atMs, sentence: `${way}: ${comparison.sentence}`, archived: archive?.paths ?? [] }
}
