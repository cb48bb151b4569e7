/**
 * How is a node, a time, a ratio or a wire written in a transcript?
 *
 * A node is `sp1` or `sp2`, a ping node `ping0` and so on, a time `500ms` or `2s`, a ratio `30%`. Each
 * reader takes one word and answers its value, or throws a `WordFault` that says what was expected.
 */
import type { NodeName } from '../core/policy.ts'
import type { Network, Place } from './network.ts'

const NAMES = ['sp1', 'sp2'] as const

/** A word of a command that was not understood. */
export class WordFault extends Error {
  constructor(what: string, such: string, word: string | undefined) {
    super(`expected ${what} (${such}), not '${word ?? ''}'`)
  }
}

/** `sp1` or `sp2`. */
export function node(word: string | undefined): NodeName {
  if (word === 'sp1' || word === 'sp2') return word
  throw new WordFault('a node', 'sp1 or sp2', word)
}

/** Milliseconds of `500ms` or `2s`. */
export function duration(word: string | undefined): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(word ?? '')
  if (match === null) throw new WordFault('a time', '500ms or 2s', word)
  return Number(match[1]) * (match[2] === 's' ? 1000 : 1)
}

/** 0.3 of `30%`. */
export function ratio(word: string | undefined): number {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(word ?? '')
  if (match === null) throw new WordFault('a ratio', '30%', word)
  return Number(match[1]) / 100
}

/** One of a few words. */
export function either<T extends string>(word: string | undefined, ...choice: readonly T[]): T {
  const found = choice.find((one) => one === word)
  if (found === undefined) throw new WordFault('a word', choice.join(' or '), word)
  return found
}

/** A node or a ping node. */
export function place(network: Network, word: string | undefined): Place {
  const { pingNodes } = network
  const found = [...NAMES, ...pingNodes].find((one) => one === word)
  if (found === undefined) throw new WordFault('a place', `sp1, sp2, ${pingNodes.join(', ')}`, word)
  return found
}

/** The wires a name stands for. */
export function wires(word: string | undefined): string[] {
  switch (word) {
    case 'crosslink':
      return ['crosslink:sp1', 'crosslink:sp2']
    case 'sp1>sp2':
      return ['crosslink:sp1', 'heartbeat:sp1']
    case 'sp2>sp1':
      return ['crosslink:sp2', 'heartbeat:sp2']
    case 'nodes':
      return NAMES.flatMap((name) => [`crosslink:${name}`, `heartbeat:${name}`])
    default:
      throw new WordFault('a wire', 'crosslink, sp1>sp2, sp2>sp1, nodes or lan NODE', word)
  }
}

/** A whole number, not below zero. */
export function count(word: string | undefined): number {
  if (!/^\d+$/.test(word ?? '')) throw new WordFault('a number', '100', word)
  return Number(word)
}
