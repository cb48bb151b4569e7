/**
 * What do the agents' own reports tell of a run? What is new in them since before the fault.
 */
import type { AgentReport } from './agent-report.ts'
import type { LabNode } from './node.ts'
import type { PairDriver } from './pair.ts'

/** What a whole pair told of one run. */
export interface Told {
  /** Longest pause of an agent's loop that was not hit by the fault itself; 0 for none. */
  pauseMs: number
  /** How often a node became active. */
  activations: number
  /** How often an active lost its right without having given it away. */
  leaseEnds: number
}

/** Asks the manager on some nodes; null for each where it tells nothing. */
export async function readReports(driver: PairDriver, nodes: readonly LabNode[]) {
  return Promise.all(nodes.map(async (node) => (await driver.report?.(node)) ?? null))
}

/** Sums up reports of the same nodes, taken before the fault and at the end. */
export function toldOf(
  before: readonly (AgentReport | null)[],
  after: readonly (AgentReport | null)[],
  span: { gapMs: number; sinceWallMs: number },
): Told | null {
  const nodes = before.flatMap((first, index) => {
    const then = after[index]
    return first === null || then === null || then === undefined
      ? []
      : [{ before: first, after: then }]
  })
  return nodes.length === 0 ? null : tell(nodes, span)
}

/**
 * Compares what a node told before and after: only what is new belongs to the run.
 *
 * @param gapMs  G: longest pause that does not count as one. A pause that is shorter than the worst
 *               since the start is known to be longer than this, and told as this.
 * @param sinceWallMs  moment of the fault
 */
export function tell(
  nodes: readonly { before: AgentReport; after: AgentReport }[],
  { gapMs, sinceWallMs }: { gapMs: number; sinceWallMs: number },
): Told {
  const pausesMs = nodes.map(({ before, after }) => {
    if (before.loop === null || after.loop === null) return 0
    if (after.loop.worstLateMs > before.loop.worstLateMs) return after.loop.worstLateMs
    return after.loop.pauses > before.loop.pauses ? gapMs : 0
  })
  const changes = nodes
    .flatMap(({ after }) => after.changes)
    .filter(({ atWallMs }) => atWallMs >= sinceWallMs)
  return {
    pauseMs: Math.max(0, ...pausesMs),
    activations: changes.filter(({ from, to }) => from !== 'active' && to === 'active').length,
    leaseEnds: changes.filter(
      ({ from, reason }) =>
        from === 'active' && (reason === 'lease-ended' || reason === 'gate-refused'),
    ).length,
  }
}
