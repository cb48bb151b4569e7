/**
 * What becomes of an operation that was asked for? Looked at until it ended or the time is over.
 *
 * The order itself is never repeated: whether a lost answer meant a lost order cannot be told from here. Following
 * survives answers that are lost for a while, for it only reads.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Asked, ControlClient } from './client.ts'
import { isFinal, type OperationDocument, type OperationRequest } from './schema.ts'

/** One exchange with the agent. */
const EXCHANGE_LIMIT_MS = 3_000
/** A quick switchover is over in some 60 ms and should not be seen late. */
const INTERVAL_MS = 20
const SLOWER_AFTER_MS = 1_000
const SLOWER_INTERVAL_MS = 200
/** No answer for so long: the agent counts as gone. */
const LOST_MS = 2_000

/**
 * Asks for something to be done and waits for its end.
 *
 * @param seen  told of the operation at each look
 * @returns the operation as it was seen last: its end, or how far it was when the time was over
 */
export async function operated(
  client: ControlClient,
  request: OperationRequest,
  limitMs: number,
  seen: (operation: OperationDocument) => void = () => {},
): Promise<Asked<OperationDocument>> {
  const endMs = performance.now() + limitMs
  const asked = await client.operate(request, Math.min(limitMs, EXCHANGE_LIMIT_MS))
  if (!asked.ok) return asked
  seen(asked.value)
  return await followed(client, asked.value, endMs, seen)
}

async function followed(
  client: ControlClient,
  first: OperationDocument,
  endMs: number,
  seen: (operation: OperationDocument) => void,
): Promise<Asked<OperationDocument>> {
  const startMs = performance.now()
  let latest = first
  let answeredMs = startMs
  while (!isFinal(latest.state)) {
    const now = performance.now()
    const pauseMs = now - startMs > SLOWER_AFTER_MS ? SLOWER_INTERVAL_MS : INTERVAL_MS
    if (now + pauseMs >= endMs) break
    await sleep(pauseMs)
    const leftMs = Math.max(1, Math.ceil(endMs - performance.now()))
    const asked = await client.operation(first.id, Math.min(leftMs, EXCHANGE_LIMIT_MS))
    if (asked.ok) {
      answeredMs = performance.now()
      latest = asked.value
      seen(latest)
      continue
    }
    if (asked.code === 'timeout' && performance.now() >= endMs) break
    if (asked.code === 'unknown' || performance.now() - answeredMs > LOST_MS) return asked
  }
  return { ok: true, value: latest }
}
