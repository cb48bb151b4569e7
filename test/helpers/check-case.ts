/** What all tests of probes do: run one, and see that it kept its limit and its promise. */
import { expect } from 'vitest'
import { type CheckConfig, parseCheck } from '../../src/config/check-text.ts'
import { type Check, type CheckResult, openCheck } from '../../src/resources/checks/check.ts'

/** A shared machine may be late by this much. */
export const LATE_MS = 150

/** The probe of a written line. */
export function checkOf(text: string, pids: () => readonly number[] = () => []): Check {
  return openCheck(configOf(text), { processes: pids })
}

export function configOf(text: string): CheckConfig {
  const parsed = parseCheck(text)
  if (!parsed.ok) throw new Error(`${text} ${parsed.mistake}`)
  return parsed.check
}

/** Runs once; fails when it takes longer than it may. */
export async function runOnce(check: Check, limitMs = 300): Promise<CheckResult> {
  const startMs = performance.now()
  const result = await check.run(limitMs)
  const spentMs = performance.now() - startMs
  expect(spentMs).toBeLessThan(limitMs + LATE_MS)
  expect(result.durationMs).toBeLessThanOrEqual(spentMs)
  if (!result.ok) expect(result.why).toMatch(/^[^\n]{10,}$/)
  return result
}

/** The sentence of one run of a written line; null when all was well. */
export async function whyOf(text: string, limitMs = 300): Promise<string | null> {
  const check = checkOf(text)
  const { ok, why } = await runOnce(check, limitMs)
  check.close()
  expect(ok).toBe(why === null)
  return why
}
