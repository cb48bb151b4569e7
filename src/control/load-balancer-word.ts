/**
 * How does a load-balancer have this pair, in words?
 */
import type { StatusDocument } from './schema.ts'
import { type Word, word } from './tone.ts'

type LoadBalancer = StatusDocument['loadBalancers'][number]

/** What it has the pair as, or why that is not known. */
export function balancerWord({ seen, trouble, wanted }: LoadBalancer): Word {
  if (trouble !== null) return word(trouble, 'bad')
  if (seen === null) return word('not asked yet', 'dim')
  if (seen === 'down') return word('down: its own probes get no answer', 'bad')
  const other = wanted !== null && wanted !== seen
  return word(seen, other || seen === 'drained' ? 'warn' : 'good')
}

/** What this node wants it to have. */
export function balancerWanted({ wanted, why }: LoadBalancer, drained: boolean): Word {
  if (wanted !== null) return word(`${wanted} (${why ?? '-'})`)
  return drained
    ? word('drained (operator), by the node that serves', 'warn')
    : word("the serving node's word", 'dim')
}
