/**
 * How does what was done to a service become a value, and who goes first?
 *
 * The few lines that every kind of service needs to keep its contract: measured time, faults, waiting
 * within a limit, and calls that change it one after another. Nothing here knows a kind of service.
 */
import type { ServiceFault, ServiceResult } from './service.ts'
import { Limit, pause } from './store-result.ts'

const LINE_MAX_CHARS = 300

/** A fault on its way out of a call; never leaves a service. */
export class ServiceFailure extends Error {
  readonly fault: ServiceFault

  constructor(code: ServiceFault['code'], message: string) {
    super(message)
    this.fault = { code, message }
  }
}

/**
 * Runs the steps of one call and turns what they throw into a value.
 *
 * @param steps  throws `ServiceFailure` for what is expected; anything else is our mistake and goes on
 */
export async function answer<Value>(
  limitMs: number,
  steps: (limit: Limit) => Promise<Value>,
): Promise<ServiceResult<Value>> {
  const limit = new Limit(limitMs)
  try {
    const value = await steps(limit)
    return { ok: true, value, durationMs: limit.spentMs() }
  } catch (cause) {
    if (!(cause instanceof ServiceFailure)) throw cause
    return { ok: false, fault: cause.fault, durationMs: limit.spentMs() }
  }
}

/**
 * Asks again and again.
 *
 * @returns whether the answer was yes within the time
 */
export async function becomes(
  ask: () => boolean,
  times: { withinMs: number; everyMs: number },
): Promise<boolean> {
  const limit = new Limit(times.withinMs)
  while (!ask()) {
    if (limit.over()) return false
    await pause(Math.min(times.everyMs, limit.leftMs() + 1))
  }
  return true
}

/** What is left of the limit when the last means, SIGKILL, must be taken. */
export function graceOf(limit: Limit, wantedMs = Number.POSITIVE_INFINITY): number {
  const leftMs = limit.leftMs()
  return Math.min(wantedMs, Math.max(leftMs / 2, leftMs - 1000))
}

/** The line of a text that says most, fit for a message: one line, bounded, without control characters. */
export function tellingLine(text: string): string {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.replace(/\p{Cc}/gu, ' ').trim())
    .filter((line) => line !== '')
  const line = lines.findLast((candidate) => /\berror\b/i.test(candidate)) ?? lines.at(-1) ?? ''
  return line.slice(0, LINE_MAX_CHARS)
}

/** Lets calls that change something happen one after another, in the order they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** @throws ServiceFailure  when those before us took all of the limit */
  async take<Value>(limit: Limit, label: string, work: () => Promise<Value>): Promise<Value> {
    const before = this.#last
    let finish = (): void => undefined
    const ours = new Promise<void>((resolve) => {
      finish = resolve
    })
    this.#last = Promise.all([before, ours])
    try {
      if (!(await endsWithin(before, limit.leftMs()))) {
        throw new ServiceFailure(
          'HA_SERVICE_TIMEOUT',
          `${label}: an earlier start or stop of it was still under way after ${limit.limitMs} ms`,
        )
      }
      return await work()
    } finally {
      finish()
    }
  }
}

/**
 * Ends in time whatever the work does, as when a disk does not answer. The work goes on unheard: it has
 * to ask the limit itself before it changes anything.
 *
 * @throws ServiceFailure  when the limit is over first
 */
export async function inTime<Value>(
  limit: Limit,
  label: string,
  work: Promise<Value>,
): Promise<Value> {
  if (await endsWithin(work, limit.leftMs())) return await work
  throw new ServiceFailure('HA_SERVICE_TIMEOUT', `${label} was not done after ${limit.limitMs} ms`)
}

async function endsWithin(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, withinMs, false)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
