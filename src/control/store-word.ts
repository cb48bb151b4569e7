/**
 * How is a store, and how is the copy of the peer, in a clause?
 */
import { amountOf } from './amount.ts'
import { formatMs } from './duration.ts'
import type { StatusDocument } from './schema.ts'
import { type Word, word } from './tone.ts'

export type Store = StatusDocument['stores'][number]

export function storeWord(store: Store): Word {
  if (store.sick) return word(`sick: ${store.trouble ?? 'fails its probes'}`, 'bad')
  if (store.role === null) return word(store.trouble ?? 'not looked at yet', 'warn')
  if (store.role === 'writable') {
    return word(store.confirmsTogether ? 'writable, with the peer' : 'writable')
  }
  return store.following ? word('follows the peer') : word('read-only, alone', 'warn')
}

/** How far the one that follows is behind, and when that was so. */
export function peerStoreWord({ kind, peer }: Store): Word {
  if (peer === null) return word('not told', 'dim')
  const when = `${formatMs(peer.lookedMsAgo)} ago`
  if (peer.role === null) return word(`could not be looked at, ${when}`, 'warn')
  const theirs = peer.role === 'writable' ? 'writable' : peer.following ? 'follows' : 'alone'
  if (peer.behind === null) return word(`${theirs}, ${when}`)
  const whose = peer.role === 'writable' ? 'this one' : 'it'
  return word(`${theirs}; ${whose} is ${amountOf(kind, peer.behind)} behind, ${when}`)
}
