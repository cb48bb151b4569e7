/**
 * How far was a store that had to be ended, as far as anybody was told? More than the peer has it will never
 * get. A server counts what it is about to write: one that hung while it wrote, on a full disk, shows a
 * transaction that it sent to nobody. Where every answer waited for the peer to receive it, and the peer has
 * applied all that it received, nobody was told of more than the peer has; else our last look stands, with
 * what the peer has beyond it.
 */
import type { State } from './state.ts'

type EndedState = Pick<State, 'position' | 'peer' | 'together' | 'sole' | 'confirming'>

/**
 * Offset of the store that proves, in the history of our own position.
 *
 * @param applied  by the peer, all that it received, as it said after the store was ended
 */
export function endedAt(
  { position, peer, together, sole, confirming }: Readonly<EndedState>,
  applied: boolean,
): number {
  const followed = peer?.position.term === position.term ? peer.position.offset : null
  if (followed === null) return position.offset
  const waited = together && !sole && (confirming === 'together' || confirming === 'waiting')
  return waited && applied ? followed : Math.max(position.offset, followed)
}
