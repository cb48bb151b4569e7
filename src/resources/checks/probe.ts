/**
 * How does one question become a run that always ends?
 *
 * The part that all kinds of probes share: one timer per run, one signal that ends everything the
 * question holds open, the measured time, and a sentence instead of any exception. A question that does
 * not heed the signal (a file system that hangs) is left behind; the run ends all the same.
 */
import type { Check, CheckResult } from './check.ts'

/** One run, as the question sees it. */
export interface Run {
  limitMs: number
  /** Aborted at the limit and when the probe is closed: close every socket and come back. */
  signal: AbortSignal
  /** What is left of the limit, never negative. */
  leftMs(): number
}

/** What is wrong as a sentence, null when nothing is; `note` is told without being a failure. */
export type Verdict = string | null | { note: string }

export interface ProbeRequest {
  label: string
  ask: (run: Run) => Promise<Verdict>
  /** Called once, when the probe is closed. */
  onClose?: () => void
}

/** Makes a probe of a question. */
export function probe({ label, ask, onClose }: ProbeRequest): Check {
  const running = new Set<AbortController>()
  let closed = false
  return {
    label,
    async run(limitMs) {
      const startMs = performance.now()
      const end = (verdict: Verdict): CheckResult => {
        const durationMs = performance.now() - startMs
        if (typeof verdict === 'string') return { ok: false, durationMs, why: verdict }
        return { ok: true, durationMs, why: verdict === null ? null : verdict.note }
      }
      if (closed) return end(`${label}: not asked, the probe is closed`)
      const controller = new AbortController()
      running.add(controller)
      const timer = setTimeout(() => controller.abort(), limitMs)
      try {
        const run: Run = {
          limitMs,
          signal: controller.signal,
          leftMs: () => Math.max(0, limitMs - (performance.now() - startMs)),
        }
        const left = leftBehind(controller.signal, () =>
          closed ? `${label}: given up, the probe was closed` : `${label}: ${silence(limitMs)}`,
        )
        return end(await Promise.race([settled(label, ask, run), left]))
      } finally {
        clearTimeout(timer)
        // Whatever a question that came to an end early still holds is closed too.
        controller.abort()
        running.delete(controller)
      }
    },
    close() {
      if (closed) return
      closed = true
      for (const controller of running) controller.abort()
      onClose?.()
    },
  }
}

/** How all probes say that their time was over. */
export function silence(limitMs: number): string {
  return `no answer within ${Math.round(limitMs)} ms`
}

async function settled(label: string, ask: ProbeRequest['ask'], run: Run): Promise<Verdict> {
  try {
    return await ask(run)
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause)
    return `${label}: the probe itself failed: ${what}`
  }
}

/** Ends shortly after the signal: a question that heeds it comes first and says more. */
function leftBehind(signal: AbortSignal, sentence: () => string): Promise<string> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => setImmediate(() => resolve(sentence())), { once: true })
  })
}
