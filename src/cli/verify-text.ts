/**
 * How is a comparison of two nodes' data told while it runs, and at its end?
 *
 * On a terminal one line that is drawn over itself; elsewhere a line for every tenth of the way. Names of
 * rows and keys come from the data of applications, so they are printed with everything odd made visible.
 */

import { formatMs } from '../control/duration.ts'
import { type VerifyResult, verifySentence } from '../daemon/verify-record.ts'
import type { Difference, VerifyProgress } from '../resources/verify-tally.ts'
import type { Io } from './command.ts'
import { printable } from './table.ts'

const BAR_CHARS = 24
const REDRAW_MS = 200
/** Not more than these are printed; the document has more. */
const SHOWN_MAX = 50

/** Tells how far it is, no more often than somebody can read. */
export class VerifyTeller {
  readonly #io: Io
  readonly #now: () => number
  #drawnMs = Number.NEGATIVE_INFINITY
  #tenth = 0
  #drawn = false

  constructor(io: Io, now: () => number = () => performance.now()) {
    this.#io = io
    this.#now = now
  }

  step(progress: VerifyProgress): void {
    if (this.#io.isTty) this.#draw(progress)
    else this.#line(progress)
  }

  /** Leaves the line empty for what is printed next. */
  end(): void {
    if (this.#drawn) this.#io.stdout('\r\u001b[K')
    this.#drawn = false
  }

  #draw(progress: VerifyProgress): void {
    const nowMs = this.#now()
    if (nowMs - this.#drawnMs < REDRAW_MS) return
    this.#drawnMs = nowMs
    this.#drawn = true
    const done = Math.round(progress.ratio * BAR_CHARS)
    const bar = `[${'='.repeat(done)}${' '.repeat(BAR_CHARS - done)}]`
    this.#io.stdout(`\r\u001b[K${bar} ${progressText(progress)}`)
  }

  #line(progress: VerifyProgress): void {
    const tenth = Math.floor(progress.ratio * 10)
    if (tenth <= this.#tenth) return
    this.#tenth = tenth
    this.#io.stdout(`${progressText(progress)}\n`)
  }
}

function progressText({ ratio, place, tally }: VerifyProgress): string {
  const percent = `${Math.floor(ratio * 100)} %`.padStart(5)
  const found = tally.differences === 0 ? 'no difference' : `${tally.differences} differ`
  return `${percent}  ${printable(place)}  ${tally.compared} compared, ${found}`
}

/** The end, for people. */
export function resultText(result: VerifyResult): string {
  const { store, listed, differences, unsettled, notes, durationMs, finishedIso } = result
  const lines = [`${store}: ${verifySentence(result)} (${formatMs(durationMs)}, ${finishedIso})`]
  lines.push(...listed.slice(0, SHOWN_MAX).map((difference) => `  ${differenceText(difference)}`))
  const more = differences - Math.min(listed.length, SHOWN_MAX)
  if (more > 0) lines.push(`  and ${more} more; --json lists up to ${listed.length}`)
  if (unsettled > 0) {
    lines.push(`  ${unsettled} changed too often to be compared; verify again when it is quieter`)
  }
  if (differences > 0) {
    lines.push(`  mend: on the standby, tandem data rejoin ${store} --copy copies everything anew`)
  }
  lines.push(...notes.map((note) => `  note: ${printable(note)}`))
  return `${lines.join('\n')}\n`
}

function differenceText({ place, key, onlyOn }: Difference): string {
  const what = key === null ? printable(place) : `${printable(place)} ${printable(key)}`
  return `${what}: ${onlyOn === null ? 'differs' : `only on ${onlyOn}`}`
}
