/**
 * What was done since this node began to take the role, and when? Gate, stores, announcement and services in
 * one list: for whoever asked for the move, for the history, and for the peer behind our heartbeats.
 *
 * Lives beside the heart and never waits. Nothing is decided by it.
 */
import type { MoveStep, Transition } from '../control/snapshot.ts'
import { stepSentence } from '../control/step-sentence.ts'
import type { Heartbeat } from '../core/heartbeat.ts'
import type { State } from '../core/state.ts'
import { APPENDED_MAX_BYTES } from '../wire/heartbeat.ts'
import { decodeStepWords, encodeStepWords, stepWordsIn } from '../wire/step-words.ts'
import { isToldKind, type StepWords, type ToldStep, type ToldStepKind } from '../wire/told-step.ts'

/** Steps that are kept for whoever waits for the end of something. */
const STEPS_KEPT = 64
/** What comes later than this after the beginning is no part of the takeover. */
const TAKING_MS = 60_000
/** Of one takeover in the history. */
const TAKEN_MAX = 40
/** The peer is told for so long after the last step. */
const TOLD_MS = 15_000

export interface MoveStepsOptions {
  /** What has to be seen before this node serves in full. */
  awaits: () => readonly ToldStepKind[]
  /** Every step: for the record. */
  stepped: (step: Pick<MoveStep, 'atMs' | 'sentence'>) => void
  /** A step of a takeover: for the history. */
  taken: (term: number, step: { afterMs: number; sentence: string }) => void
}

interface Taking {
  term: number
  begunMs: number
  told: ToldStep[]
  count: number
  lastMs: number
}

export class MoveSteps {
  readonly #options: MoveStepsOptions
  #steps: readonly MoveStep[] = []
  /** When this node began to want the role. */
  #wantedMs = 0
  #taking: Taking | null = null
  /** As it is sent, and the room it was made for; null: to be made anew. */
  #section: { bytes: Buffer | null; roomBytes: number } | null = null
  #heard: { section: Buffer; boot: string } | null = null
  #peer: StepWords | null = null

  constructor(options: MoveStepsOptions) {
    this.#options = options
  }

  /** The newest of them, oldest first. */
  get steps(): readonly MoveStep[] {
    return this.#steps
  }

  /** Of the newest takeover of the peer, as it tells; null when it tells nothing. */
  get peer(): StepWords | null {
    return this.#peer
  }

  /** This node serves in full; false while it does not serve. */
  get complete(): boolean {
    if (this.#taking === null) return false
    const seen = new Set(this.#taking.told.map(({ kind }) => kind))
    return this.#options.awaits().every((kind) => seen.has(kind))
  }

  note({ atMs, from, to }: Pick<Transition, 'atMs' | 'from' | 'to'>): void {
    if (from === 'standby' && to !== 'standby') this.#wantedMs = atMs
    if (from !== 'active' || to === 'active') return
    this.#taking = null
    this.#section = null
    this.add({ atMs, sentence: 'the gate is shut', kind: 'other', subject: '' })
  }

  gateOpen(term: number, atMs: number): void {
    const begunMs = this.#wantedMs
    this.#taking = { term, begunMs, told: [], count: 0, lastMs: atMs }
    this.did('gate-open', atMs)
  }

  did(kind: ToldStepKind, atMs: number): void {
    this.add({ atMs, sentence: stepSentence(kind), kind, subject: '' })
  }

  add(step: Omit<MoveStep, 'number'>): void {
    const number = (this.#steps.at(-1)?.number ?? 0) + 1
    this.#steps = [...this.#steps, { ...step, number }].slice(-STEPS_KEPT)
    this.#options.stepped(step)
    if (this.#taking !== null) this.#take(this.#taking, step)
  }

  #take(taking: Taking, { atMs, sentence, kind, subject }: Omit<MoveStep, 'number'>): void {
    const afterMs = Math.max(0, atMs - taking.begunMs)
    const isCall = kind === 'call-ok' || kind === 'call-failed'
    // A service that is started again later is none of it; a test call always comes late.
    if (!isCall && (this.complete || afterMs > TAKING_MS)) return
    if (taking.count >= TAKEN_MAX) return
    taking.count += 1
    taking.lastMs = atMs
    if (isToldKind(kind)) taking.told.push({ kind, afterMs, subject })
    this.#section = null
    this.#options.taken(taking.term, { afterMs: Math.round(afterMs * 10) / 10, sentence })
  }

  /** What a heartbeat carries that is sent now: the words of others, and behind them ours. */
  appended(nowMs: number, others: Uint8Array | undefined): Uint8Array | undefined {
    const taking = this.#taking
    if (taking === null || nowMs - taking.lastMs > TOLD_MS) return others
    const roomBytes = APPENDED_MAX_BYTES - (others?.length ?? 0)
    if (this.#section?.roomBytes !== roomBytes) {
      const words = { term: taking.term, complete: this.complete, steps: taking.told }
      this.#section = { bytes: encodeStepWords(words, roomBytes), roomBytes }
    }
    const { bytes } = this.#section
    if (bytes === null) return others
    return others === undefined ? bytes : Buffer.concat([others, bytes])
  }

  /** Takes what came with the newest heartbeat of the peer that counts; a recording tells nothing. */
  hear(bytes: Buffer, heartbeat: Heartbeat, { peer }: Readonly<State>): void {
    if (peer?.boot !== heartbeat.boot || peer.seq !== heartbeat.seq) return
    const section = stepWordsIn(bytes)
    if (section === null) return
    const last = this.#heard
    if (last?.boot === heartbeat.boot && last.section.equals(section)) return
    this.#heard = { section: Buffer.from(section), boot: heartbeat.boot }
    this.#peer = decodeStepWords(section)
  }
}
