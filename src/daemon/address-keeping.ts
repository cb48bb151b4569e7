/**
 * Are the floating IPs given their lifetime anew at this look? Only for a heart that beats and wants
 * them, or asked for them a moment ago.
 *
 * The heart asks for them first and wants them only at a later tick, once it saw them there; in between
 * nobody else keeps them alive. How long that is depends on H, which may be longer than the time
 * between two looks: then a look without a beat is no sign of a dead heart either.
 */
export class AddressKeeping {
  readonly #lookMs: number
  readonly #beatPatienceMs: number
  readonly #holdMs: number
  #beat = 0
  #beatSeenMs = Number.NEGATIVE_INFINITY
  #lookedMs = Number.NEGATIVE_INFINITY
  #heldUntilMs = Number.NEGATIVE_INFINITY

  /** @param lookMs  between two looks */
  constructor(lookMs: number, heartbeatMs: number) {
    this.#lookMs = lookMs
    this.#beatPatienceMs = Math.max(lookMs / 2, 1.5 * heartbeatMs)
    this.#holdMs = Math.max(lookMs, 2 * heartbeatMs)
  }

  /** They were put on, and not yet said to be wanted. */
  noteAdded(nowMs: number): void {
    this.#heldUntilMs = nowMs + this.#holdMs
  }

  noteRemoved(): void {
    this.#heldUntilMs = Number.NEGATIVE_INFINITY
  }

  /** @param beat  counts the beats of the heart */
  look(nowMs: number, beat: number, wanted: boolean): boolean {
    // After a stop of the whole process, beats of before it say nothing of a heart that is alive now.
    const wasStopped = nowMs - this.#lookedMs >= 2 * this.#lookMs
    if (wasStopped) this.#beatSeenMs = Number.NEGATIVE_INFINITY
    else if (beat !== this.#beat) this.#beatSeenMs = nowMs
    this.#beat = beat
    this.#lookedMs = nowMs
    const alive = nowMs - this.#beatSeenMs < this.#beatPatienceMs
    return alive && (wanted || nowMs < this.#heldUntilMs)
  }
}
