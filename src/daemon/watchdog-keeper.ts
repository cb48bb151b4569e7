/**
 * Does this machine still deserve to run? A hardware watchdog resets it when nobody says so any more.
 *
 * The word is given by the control thread, for a tick of the heart that was decided since the word before: an agent
 * of which either stands gives none. The device is asked beside the event loop, one thing at a time, so a driver that
 * hangs holds up neither of the two; that it hangs is an alarm.
 *
 * Only a planned end stops the watchdog. After any other it goes on, and the next agent takes it over, or the machine
 * is reset.
 */
import type { PairConfig, WatchdogConfig } from '../config/config.ts'
import type { Raised } from '../control/alarm.ts'
import type { StatusDocument } from '../control/schema.ts'
import type { Log } from '../system/log.ts'
import { errorCode, native } from '../system/native.ts'
import { openWatchdog, type RunningWatchdog } from '../system/watchdog-device.ts'
import type { Severity } from './message.ts'
import type { SharedMemory } from './shared-memory.ts'

/** How often the keeper is to be told to look. */
export const LOOK_MS = 500
/** Words within the time of the watchdog: a few may be lost. */
const WORDS_PER_TIMEOUT = 4
const INTERVAL_MAX_MS = 2_000
/** One that could not be had is tried again after this. */
const RETRY_MS = 60_000

export interface WatchdogDoors {
  /** Starts it. @throws Error with a code of the system */
  open(device: string, seconds: number): Promise<RunningWatchdog>
  /** Ticks that the heart decided since its start. */
  ticksDecided(): number
  /** In ms, of a clock that does not jump. */
  now(): number
  log(severity: Severity, event: string, text: string): void
}

export class WatchdogKeeper {
  readonly #config: WatchdogConfig
  readonly #doors: WatchdogDoors
  #running: RunningWatchdog | null = null
  /** It was had once: it counts, whether we have it or not. */
  #started = false
  #trouble: string | null = null
  /** What is under way at the device, and since when. */
  #work: { done: Promise<void>; sinceMs: number; is: string } | null = null
  #ticks = 0
  #dueMs = Number.NEGATIVE_INFINITY
  #fedMs: number | null = null
  #ending: Promise<void> | null = null

  constructor(config: WatchdogConfig, doors: WatchdogDoors) {
    this.#config = config
    this.#doors = doors
  }

  /** To be called every `LOOK_MS` from when operators are answered. Waits for nothing. */
  look(): void {
    if (this.#ending !== null || this.#work !== null) return
    const now = this.#doors.now()
    const ticks = this.#doors.ticksDecided()
    if (now < this.#dueMs || ticks === this.#ticks) return
    this.#ticks = ticks
    this.#dueMs = now + this.#intervalMs
    const running = this.#running
    if (running === null) this.#begin('it hangs while it is opened', () => this.#open())
    else this.#begin('a word to it hangs', () => this.#feed(running))
  }

  /**
   * This node is at rest as planned: nobody has to watch over it any more.
   *
   * @returns resolved when the watchdog was stopped; never rejected
   */
  release(): Promise<void> {
    this.#ending ??= this.#release()
    return this.#ending
  }

  /** Resolved at once unless it is being released. */
  get released(): Promise<void> {
    return this.#ending ?? Promise.resolve()
  }

  get document(): NonNullable<StatusDocument['watchdog']> {
    const fedMs = this.#fedMs
    return {
      device: this.#config.device,
      identity: this.#running?.identity ?? null,
      timeoutSeconds: this.#running?.seconds ?? null,
      fedMsAgo: fedMs === null ? null : Math.round(this.#doors.now() - fedMs),
      trouble: this.#troubleNow,
    }
  }

  get raised(): Raised[] {
    const trouble = this.#troubleNow
    if (trouble === null) return []
    const sentence = `watchdog ${this.#config.device}: ${trouble}`
    return [{ code: 'watchdog', about: '', sentence }]
  }

  get #troubleNow(): string | null {
    const work = this.#work
    const hangs = work !== null && this.#doors.now() - work.sinceMs > this.#timeoutMs / 2
    return hangs ? work.is : this.#trouble
  }

  /** As far as we know. */
  get #timeoutMs(): number {
    return 1000 * (this.#running?.seconds ?? this.#config.timeoutSeconds)
  }

  get #intervalMs(): number {
    return Math.min(INTERVAL_MAX_MS, this.#timeoutMs / WORDS_PER_TIMEOUT)
  }

  #begin(is: string, work: () => Promise<void>): void {
    const done = work().finally(() => {
      this.#work = null
    })
    this.#work = { done, sinceMs: this.#doors.now(), is }
  }

  async #open(): Promise<void> {
    const { device, timeoutSeconds } = this.#config
    const askedMs = this.#doors.now()
    try {
      const running = await this.#doors.open(device, timeoutSeconds)
      this.#running = running
      this.#started = true
      this.#trouble = null
      // Opening is a word, too.
      this.#fedMs = askedMs
      this.#dueMs = askedMs + this.#intervalMs
      this.#doors.log('info', 'watchdog', beginning(device, running))
    } catch (error) {
      this.#trouble = whyNot(error)
      // One that counts is needed at once.
      if (!this.#started) this.#dueMs = askedMs + RETRY_MS
    }
  }

  async #feed(running: RunningWatchdog): Promise<void> {
    const askedMs = this.#doors.now()
    try {
      await running.feed()
      this.#fedMs = askedMs
      this.#trouble = null
    } catch (error) {
      this.#trouble = `it takes no word (${errorCode(error)})`
      // Opened anew it may; closed like this it goes on.
      this.#running = null
      await running.leave().catch(() => {})
    }
  }

  async #release(): Promise<void> {
    await this.#work?.done
    const running = this.#running
    this.#running = null
    if (running === null) return
    const { device } = this.#config
    try {
      await running.stop()
      this.#doors.log('info', 'watchdog', `${device} was told to stop, for the agent ends`)
    } catch (error) {
      const text = `${device} could not be told to stop (${errorCode(error)}): it may reset this machine`
      this.#doors.log('error', 'watchdog', text)
    }
  }
}

/** @returns null where no watchdog is to be used */
export function keepWatchdog(
  { watchdog }: PairConfig,
  { memory, log }: { memory: SharedMemory; log: Log },
): WatchdogKeeper | null {
  if (watchdog === null) return null
  return new WatchdogKeeper(watchdog, {
    open: openWatchdog,
    ticksDecided: () => memory.read('ticksDecided'),
    now: native.bootTimeMs,
    log: (severity, event, text) => log.line(severity, event, text),
  })
}

function beginning(device: string, { identity, seconds, magicClose }: RunningWatchdog): string {
  const name = identity === null ? device : `${device} (${identity})`
  const time = seconds === null ? 'a time that it does not tell' : `${seconds} s`
  const lost = magicClose === false ? '; its driver stops it when the agent dies' : ''
  return `${name} resets this machine when it hears nothing for ${time}${lost}`
}

function whyNot(error: unknown): string {
  const code = errorCode(error)
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return 'there is no such device'
    case 'EBUSY':
      return 'another program holds it'
    case 'EACCES':
    case 'EPERM':
      return 'the agent may not open it'
    default:
      return `it cannot be opened (${code})`
  }
}
