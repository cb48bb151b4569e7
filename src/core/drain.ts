/**
 * What is a load-balancer in front of several pairs to be told of this one? That it takes calls, that it
 * takes none, or nothing.
 *
 * Only the node that serves says that the pair takes calls. An operator's word to drain it is known on both
 * nodes, so that it outlives every change of the role: the word with the higher count is the newer one, and
 * of two words given at once the one to drain holds.
 *
 * Pure: values in, values out.
 */

/** What an operator wants of the pair, as one node knows it. */
export interface DrainWord {
  /** Of all words ever given; 0: none was. */
  count: number
  drained: boolean
}

export const NO_WORD: DrainWord = { count: 0, drained: false }

/** Of two words the one that counts. */
export function newerWord(ours: DrainWord, theirs: DrainWord): DrainWord {
  if (ours.count !== theirs.count) return ours.count > theirs.count ? ours : theirs
  return ours.drained ? ours : theirs
}

/** An operator's order, given to a node that knows `known`. */
export function nextWord(known: DrainWord, drained: boolean): DrainWord {
  return { count: known.count + 1, drained }
}

/** How this node stands, as far as load-balancers are concerned. */
export interface Standing {
  /** It serves and its stores take writes. */
  serving: boolean
  /** It cannot serve well, and nobody took its place for a while. */
  unfit: boolean
  /** It was the last to serve, gave that up for its maintenance, and nobody took its place for a while. */
  released: boolean
  word: DrainWord
}

/** What a load-balancer is to have of the pair, and why. */
export interface Wish {
  state: 'active' | 'drained'
  why: 'serves' | 'operator' | 'unfit' | 'released'
}

/** @returns null: it is another's to say */
export function wishOf({ serving, unfit, released, word }: Standing): Wish | null {
  if (serving && word.drained) return { state: 'drained', why: 'operator' }
  if (serving && unfit) return { state: 'drained', why: 'unfit' }
  if (serving) return { state: 'active', why: 'serves' }
  return released ? { state: 'drained', why: 'released' } : null
}

/**
 * What a load-balancer has of the pair. `down`: its own probes get no answer; it may come back by itself.
 */
export type SeenState = 'active' | 'drained' | 'down'

/**
 * Whether it is to be told. `first`: this wish was not told to it yet.
 *
 * What its own probes found is not overruled but once: who has just begun to serve knows better than probes
 * of a moment ago. And who does not serve says its word once: whoever changes it after that serves by now.
 */
export function mustTell(wish: Wish, seen: SeenState, first: boolean): boolean {
  if (wish.state === 'active') return seen === 'drained' || (seen === 'down' && first)
  return seen !== 'drained' && (first || wish.why !== 'released')
}
