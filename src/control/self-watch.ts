/**
 * Can this agent's own sense of time be trusted? What it says of itself when it stood still, or its clock jumped.
 *
 * The core takes back its evidence after every pause by itself (the gap rule), and no decision reads the wall
 * clock: this is for operators, who else look for a fault in the network, or wonder about times in the log.
 */
import type { Raised } from './alarm.ts'
import type { HeartHealth } from './snapshot.ts'

const WATCHED_MS = 600_000
/** So many pauses within the time that is watched are an alarm; it is over at half of them. */
const PAUSES_MAX = 10
/** A time service that slews moves it by some ms between two looks. */
const JUMP_MS = 500

export interface SelfLook {
  /** Clock of the heart, which does not jump. */
  nowMs: number
  wallMs: number
  lateness: HeartHealth['lateness']
}

export class SelfWatch {
  readonly #gapMs: number
  #looks: { nowMs: number; pauses: number }[] = []
  #offsetMs: number | null = null
  #jump: { byMs: number; atMs: number; atIso: string } | null = null
  #lateness: HeartHealth['lateness'] | null = null
  #late = false

  /** @param gapMs  G: the longest time between two runs that is no pause */
  constructor(gapMs: number) {
    this.#gapMs = gapMs
  }

  /** To be told every few seconds. */
  look({ nowMs, wallMs, lateness }: SelfLook): void {
    this.#looks.push({ nowMs, pauses: lateness.pauses })
    this.#looks = this.#looks.filter((look) => nowMs - look.nowMs <= WATCHED_MS)
    this.#lateness = lateness
    const offsetMs = wallMs - nowMs
    const byMs = this.#offsetMs === null ? 0 : offsetMs - this.#offsetMs
    if (Math.abs(byMs) >= JUMP_MS) {
      this.#jump = { byMs, atMs: nowMs, atIso: new Date(wallMs).toISOString() }
    } else if (this.#jump !== null && nowMs - this.#jump.atMs > WATCHED_MS) this.#jump = null
    this.#offsetMs = offsetMs
    const { pausesLately } = this
    this.#late = pausesLately >= (this.#late ? PAUSES_MAX / 2 : PAUSES_MAX)
  }

  /** Pauses within ten minutes. */
  get pausesLately(): number {
    const [oldest] = this.#looks
    return (this.#lateness?.pauses ?? 0) - (oldest?.pauses ?? 0)
  }

  /** Their sentences do not count on, for an alarm is known by its sentence. */
  get raised(): Raised[] {
    const raised: Raised[] = []
    if (this.#late) {
      const sentence = `this agent stands still again and again, for longer than ${this.#gapMs} ms`
      raised.push({ code: 'agent-late', about: '', sentence })
    }
    if (this.#jump !== null) {
      const { atIso } = this.#jump
      const sentence = `the clock of this machine jumped by ${this.#jumped} before ${atIso}`
      raised.push({ code: 'clock-jumped', about: '', sentence })
    }
    return raised
  }

  /** For whoever asks why; none while all is well. */
  get told(): string[] {
    const sentences: string[] = []
    const { pausesLately } = this
    const lastMs = Math.round(this.#lateness?.lastMinuteMs ?? 0)
    if (pausesLately > 0) {
      sentences.push(
        `it stood still ${pausesLately} times within ten minutes for longer than ${this.#gapMs} ms; each time ` +
          'what it had taken for silence of the peer counted anew',
      )
    }
    if (lastMs > this.#gapMs)
      sentences.push(`within the last minute its loop was ${lastMs} ms late`)
    if (this.#jump !== null) {
      sentences.push(
        `its clock jumped by ${this.#jumped} before ${this.#jump.atIso}: times in log, history and records ` +
          'from before do not fit to those after; no decision reads it',
      )
    }
    return sentences
  }

  get #jumped(): string {
    const byMs = this.#jump?.byMs ?? 0
    return `${byMs < 0 ? '-' : '+'}${(Math.abs(byMs) / 1000).toFixed(1)} s`
  }
}
