/**
 * How does an agent that is asked to stop hand over first? As an operator's maintenance would have it, and
 * only where the peer is able; it waits no longer than a switchover may take.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Policy } from '../core/policy.ts'
import { switchoverBlocker } from '../core/switchover.ts'
import type { Heart } from './heart.ts'

const POLL_MS = 10

export async function handOver(
  heart: Pick<Heart, 'state' | 'take'>,
  policy: Policy,
  now: () => number,
): Promise<void> {
  const { timing } = policy
  if (heart.state.role !== 'active') return
  if (switchoverBlocker({ s: heart.state, policy, now: now(), effects: [] }) !== null) return
  heart.take({ type: 'maintenance', on: true })
  const untilMs = now() + timing.prepareMs + timing.standBackMs
  while (now() < untilMs) {
    if (heart.state.role !== 'active' && heart.state.peer?.role === 'active') return
    await sleep(POLL_MS)
  }
}
