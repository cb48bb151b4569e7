/**
 * What did the clients see? Silences, who served when, and whether two nodes served at once.
 *
 * Pure arithmetic over probes; asking is the business of `prober.ts`. Every figure is conservative:
 * a silence ends with an answer that came, and two nodes count as serving at once only where the
 * probes prove it. All moments are milliseconds of the machine's one monotonic clock, which all
 * namespaces of the lab share.
 */

/** One question and what became of it. */
export interface Probe {
  sentMs: number
  /** Null when no answer came within the prober's patience. */
  answeredMs: number | null
  /** Name the answer bore, null when none came. */
  by: string | null
}

/** A part of the recording. */
export interface TimeWindow {
  fromMs: number
  toMs: number
}

export interface Silence extends TimeWindow {
  ms: number
  /** False when nothing had been heard again at the end of the window: it lasted at least `ms`. */
  ended: boolean
}

/**
 * Lists the silences longer than a threshold: from one answer to the next, touching the window.
 *
 * The last answer before the window begins the first silence, so that a fault injected right at the
 * start of the window is measured whole.
 */
export function silences(
  probes: readonly Probe[],
  window: TimeWindow,
  longerThanMs: number,
): Silence[] {
  const heardMs = probes
    .flatMap((probe) => (probe.answeredMs === null ? [] : [probe.answeredMs]))
    .sort((first, second) => first - second)
  const found: Silence[] = []
  let lastMs: number | null = null
  const note = (fromMs: number, toMs: number, ended: boolean): void => {
    if (toMs - fromMs > longerThanMs) found.push({ fromMs, toMs, ms: toMs - fromMs, ended })
  }
  for (const atMs of heardMs) {
    if (atMs >= window.fromMs)
      note(lastMs ?? window.fromMs, Math.min(atMs, window.toMs), atMs <= window.toMs)
    lastMs = atMs
    if (atMs >= window.toMs) return found
  }
  note(Math.max(lastMs ?? window.fromMs, Number.NEGATIVE_INFINITY), window.toMs, false)
  return found
}

/** The longest silence that touches the window; zero long when there is none. */
export function longestSilence(probes: readonly Probe[], window: TimeWindow): Silence {
  const none: Silence = { fromMs: window.fromMs, toMs: window.fromMs, ms: 0, ended: true }
  return silences(probes, window, 0).reduce(
    (longest, silence) => (silence.ms > longest.ms ? silence : longest),
    none,
  )
}

/** An unbroken stretch in which one node answered. */
export interface ServingSpan extends TimeWindow {
  by: string
  /** Sending of the first answered probe: it may have served since then. */
  firstSentMs: number
  /** Arrival of the last answer: it may have served until then. */
  lastAnsweredMs: number
  answers: number
}

/**
 * Says who served when. `fromMs` to `toMs` is what is certain: after the first answer arrived and
 * before the last question left. A span of a single answer therefore has `toMs < fromMs`.
 *
 * @param bridgedMs  an unanswered stretch shorter than this does not end a span; above zero only
 *                   where packets are lost on purpose and a lost probe says nothing
 */
export function servingSpans(probes: readonly Probe[], bridgedMs = 0): ServingSpan[] {
  const spans: ServingSpan[] = []
  let current: ServingSpan | null = null
  let silentFromMs: number | null = null
  for (const probe of [...probes].sort((first, second) => first.sentMs - second.sentMs)) {
    if (probe.by === null || probe.answeredMs === null) {
      silentFromMs ??= probe.sentMs
      continue
    }
    const broken = silentFromMs !== null && probe.sentMs - silentFromMs >= bridgedMs
    silentFromMs = null
    if (current !== null && current.by === probe.by && !broken) {
      current.toMs = probe.sentMs
      current.lastAnsweredMs = Math.max(current.lastAnsweredMs, probe.answeredMs)
      current.answers += 1
      continue
    }
    current = {
      by: probe.by,
      fromMs: probe.answeredMs,
      toMs: probe.sentMs,
      firstSentMs: probe.sentMs,
      lastAnsweredMs: probe.answeredMs,
      answers: 1,
    }
    spans.push(current)
  }
  return spans
}

/** How often the service went from one node to another, in the order of the questions. */
export function countMoves(probes: readonly Probe[]): number {
  let moves = 0
  let last: string | null = null
  for (const probe of [...probes].sort((first, second) => first.sentMs - second.sentMs)) {
    if (probe.by === null) continue
    if (last !== null && last !== probe.by) moves += 1
    last = probe.by
  }
  return moves
}

/** Evidence that two nodes served at the same time. */
export interface DualActive {
  /** Time for which both certainly served, summed. */
  ms: number
  /** Answers of one node that fell wholly within a certain span of the other. */
  proofs: number
  /** First and last moment of it; null when there is none. */
  window: TimeWindow | null
}

/** Compares what two nodes answered when both were asked directly, each by its own MAC address. */
export function dualActive(
  ours: { probes: readonly Probe[] },
  theirs: { probes: readonly Probe[] },
  bridgedMs = 0,
): DualActive {
  const ourSpans = servingSpans(ours.probes, bridgedMs)
  const theirSpans = servingSpans(theirs.probes, bridgedMs)
  const windows: TimeWindow[] = []
  let ms = 0
  for (const one of ourSpans) {
    for (const other of theirSpans) {
      if (one.by === other.by) continue
      const fromMs = Math.max(one.fromMs, other.fromMs)
      const toMs = Math.min(one.toMs, other.toMs)
      if (toMs <= fromMs) continue
      ms += toMs - fromMs
      windows.push({ fromMs, toMs })
    }
  }
  const proofs = [
    ...proofsWithin(ours.probes, theirSpans),
    ...proofsWithin(theirs.probes, ourSpans),
  ]
  windows.push(...proofs)
  if (windows.length === 0) return { ms: 0, proofs: 0, window: null }
  const fromMs = Math.min(...windows.map((window) => window.fromMs))
  const toMs = Math.max(...windows.map((window) => window.toMs))
  return { ms, proofs: proofs.length, window: { fromMs, toMs } }
}

function proofsWithin(probes: readonly Probe[], spans: readonly ServingSpan[]): TimeWindow[] {
  return probes.flatMap((probe) => {
    const { sentMs, answeredMs, by } = probe
    if (answeredMs === null) return []
    const inside = spans.some(
      (span) => span.by !== by && span.fromMs <= sentMs && answeredMs <= span.toMs,
    )
    return inside ? [{ fromMs: sentMs, toMs: answeredMs }] : []
  })
}

/** Only the probes sent within the window. */
export function probesWithin(probes: readonly Probe[], window: TimeWindow): Probe[] {
  return probes.filter((probe) => probe.sentMs >= window.fromMs && probe.sentMs <= window.toMs)
}

/** Smallest, middle and largest of some numbers; null of none. The middle of two is the upper. */
export function spread(
  values: readonly number[],
): { min: number; median: number; max: number } | null {
  const sorted = [...values].sort((first, second) => first - second)
  const min = sorted[0]
  const median = sorted[Math.floor(sorted.length / 2)]
  const max = sorted.at(-1)
  return min === undefined || median === undefined || max === undefined
    ? null
    : { min, median, max }
}
