/**
 * What is done before a move is asked for? The services of the node that is to become active are started, so
 * that the role does not wait for them.
 */
import type { Snapshot } from '../control/snapshot.ts'
import type { NodeName } from '../core/policy.ts'
import { POLL_MS, type Run } from './operation-run.ts'

/** What is not up by then is started while the role moves. */
const UP_WITHIN_MS = 5_000
/** A peer that starts its services beforehand says so to within this; one of an earlier release never does. */
const PEER_SAYS_WITHIN_MS = 500

/**
 * Has the services of `target` started, asks for the move when they are up, and follows it: until `ask` has
 * come to its end they are kept running.
 */
export async function withEarlyServices(
  run: Run,
  target: NodeName,
  ask: () => Promise<void>,
): Promise<void> {
  const { ports } = run
  const cold = ports.config().services.some(({ mode, early }) => mode === 'active' && early)
  // By force a peer may be silent, and nobody waits.
  if (!cold || run.request.force) return ask()
  ports.tell({ type: 'announce-move', node: target })
  try {
    await untilUp(run, target)
    await ask()
  } finally {
    ports.tell({ type: 'announce-move', node: null })
  }
}

async function untilUp(run: Run, target: NodeName): Promise<void> {
  const { ports } = run
  const isOurs = target === ports.config().node
  const upOf = ({ early }: Snapshot): boolean | null => (isOurs ? early.own : early.peer)
  const begunMs = ports.now()
  const begins = await run.until((now) => upOf(now) !== null, PEER_SAYS_WITHIN_MS)
  if (!begins) return
  if (await run.until((now) => upOf(now) !== false, UP_WITHIN_MS)) {
    const tookMs = Math.round(ports.now() - begunMs)
    if (tookMs > 2 * POLL_MS) run.step(`the services of ${target} are up, started beforehand`)
    return
  }
  run.step(
    `the services of ${target} are not all up after ${UP_WITHIN_MS} ms: they start on while the role moves`,
  )
}
