/**
 * What becomes of a notice on its way through the channels? One queue each, so that one that hangs or fails
 * holds up no other; bounded, the oldest go first and are counted.
 *
 * What does not get through is tried again, more and more seldom, for as long as it is in the queue.
 */
import type { AlarmChannel } from '../config/config.ts'
import type { Notice } from '../control/notice.ts'
import type { StatusDocument } from '../control/schema.ts'
import type { Delivery } from './notice-process.ts'
import { targetOf } from './notice-target.ts'

const QUEUE_MAX = 50
/** After the first, second, … failure in a row. */
const AGAIN_MS = [10_000, 30_000, 60_000, 300_000, 900_000]
/** One failure may be a server that restarts. */
const FAILURES_TOLD = 2

export interface NoticePostOptions {
  channels: readonly AlarmChannel[]
  /** Never rejects, and comes back. */
  send: (channel: AlarmChannel, notice: Notice) => Promise<Delivery>
  /** Monotonic. */
  now: () => number
  nowIso: () => string
  /** Something was delivered or not. */
  told: (kind: AlarmChannel['kind'], delivery: Delivery) => void
}

interface Box {
  channel: AlarmChannel
  queue: Notice[]
  sending: boolean
  failures: number
  why: string | null
  againAtMs: number
  deliveredIso: string | null
  dropped: number
}

export class NoticePost {
  readonly #options: NoticePostOptions
  readonly #boxes: readonly Box[]

  /** @param waiting  of an earlier start, by kind of channel */
  constructor(
    options: NoticePostOptions,
    waiting: Readonly<Record<string, readonly Notice[]>> = {},
  ) {
    this.#options = options
    this.#boxes = options.channels.map((channel) => ({
      ...{ channel, queue: (waiting[channel.kind] ?? []).slice(-QUEUE_MAX), sending: false },
      ...{ failures: 0, why: null, againAtMs: 0, deliveredIso: null, dropped: 0 },
    }))
  }

  add(notice: Notice): void {
    for (const box of this.#boxes) {
      box.queue.push(notice)
      // The first may be on its way; the second is the oldest that is not.
      if (box.queue.length > QUEUE_MAX) {
        box.queue.splice(box.sending ? 1 : 0, 1)
        box.dropped += 1
      }
    }
    this.look()
  }

  /** To be told every few seconds: begins what is due. */
  look(): void {
    for (const box of this.#boxes) {
      if (!box.sending && box.queue.length > 0 && this.#options.now() >= box.againAtMs) {
        void this.#send(box)
      }
    }
  }

  /** What did not get through yet, to be kept for the next start. */
  get waiting(): Record<string, readonly Notice[]> {
    return Object.fromEntries(this.#boxes.map(({ channel, queue }) => [channel.kind, queue]))
  }

  get channels(): StatusDocument['notices'] {
    return this.#boxes.map(({ channel, queue, failures, why, deliveredIso, dropped, sending }) => ({
      kind: channel.kind,
      target: targetOf(channel),
      state: failures > 0 ? 'failing' : sending ? 'sending' : 'idle',
      queued: queue.length,
      dropped,
      failures,
      why,
      deliveredIso,
    }))
  }

  /** Channels that fail or lost something, as alarms. */
  get raised(): { code: 'alarm-channel'; about: string; sentence: string }[] {
    return this.#boxes
      .filter(({ failures }) => failures >= FAILURES_TOLD)
      .map(({ channel, why }) => ({
        code: 'alarm-channel' as const,
        about: channel.kind,
        sentence: `alarms do not get through by ${channel.kind}: ${why ?? 'unknown'}`,
      }))
  }

  async #send(box: Box): Promise<void> {
    const [notice] = box.queue
    if (notice === undefined) return
    box.sending = true
    const delivery = await this.#options.send(box.channel, notice)
    box.sending = false
    if (delivery.ok) {
      box.queue.shift()
      Object.assign(box, { failures: 0, why: null, againAtMs: 0 })
      box.deliveredIso = this.#options.nowIso()
    } else {
      box.againAtMs = this.#options.now() + (AGAIN_MS[box.failures] ?? AGAIN_MS.at(-1) ?? 0)
      box.failures += 1
      box.why = delivery.why
    }
    this.#options.told(box.channel.kind, delivery)
    this.look()
  }
}
