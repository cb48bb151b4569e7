/**
 * How does the agent send a notice? By a process of its own for each, ended from outside at its time limit.
 *
 * A name that is looked up may hang in the resolver and holds a thread of the pool that the agent writes its
 * hard state with; so nothing of this happens in the agent, which does not even load what speaks SMTP.
 */
import { fileURLToPath } from 'node:url'
import type { AlarmChannel } from '../config/config.ts'
import type { Notice } from '../control/notice.ts'
import { run } from '../system/exec.ts'

/** What the other side said, or why nobody got it. No secrets. */
export type Delivery = { ok: true; answer: string } | { ok: false; why: string }

/** What the process reads from its standard input. */
export interface SendOrder {
  channel: AlarmChannel
  notice: Notice
  limitMs: number
}

/** For one attempt to get through. */
const DELIVERY_LIMIT_MS = 20_000
/** To start the process and to end it. */
const PROCESS_MS = 20_000
const PROGRAM = fileURLToPath(new URL('./notice-sender.js', import.meta.url))

/** Sends from a process of its own. Never rejects. */
export async function sendApart(channel: AlarmChannel, notice: Notice): Promise<Delivery> {
  const order: SendOrder = { channel, notice, limitMs: DELIVERY_LIMIT_MS }
  const ended = await run({
    label: `send a notice by ${channel.kind}`,
    command: 'nice',
    // Where memory runs out, this and not the agent, whose protection it would inherit.
    args: ['-n', '10', 'choom', '-n', '500', '--', process.execPath, PROGRAM],
    timeoutMs: DELIVERY_LIMIT_MS + PROCESS_MS,
    input: JSON.stringify(order),
  })
  if (!ended.ok) return { ok: false, why: ended.message }
  try {
    return JSON.parse(ended.stdout) as Delivery
  } catch {
    return { ok: false, why: 'the process that sends it said nothing that can be read' }
  }
}
