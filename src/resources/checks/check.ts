/**
 * What is a probe of a service, and which one belongs to what was written down?
 *
 * A probe asks one question once per run and says yes, or in one sentence what it asked, what should
 * have come and what came. How often it runs, how many failures count and what follows from them is
 * decided elsewhere. One file per kind beside this one; each of them asks the service itself, and none
 * of them trusts that one part answers because another does.
 */
import type { CheckConfig } from '../../config/check-text.ts'
import { amiCheck } from './ami.ts'
import { callCheck } from './call.ts'
import { jsonRpcCheck } from './kamailio-rpc.ts'
import { ngCheck } from './ng.ts'
import { processCheck } from './process.ts'
import { semsCheck } from './sems.ts'
import { sipOptionsCheck } from './sip-options.ts'
import { tcpCheck } from './tcp.ts'
import { usageCheck } from './usage.ts'

export interface CheckResult {
  ok: boolean
  /** From the call of `run` to its end. */
  durationMs: number
  /**
   * One sentence with target, what was expected and what came; null when all is well. With `ok` it
   * tells of something that is no failure yet, as a first look over a limit.
   */
  why: string | null
}

export interface Check {
  /** As it is written in the configuration; never holds a secret. */
  readonly label: string
  /** One that is dear: not to be asked more often, and the time it needs. */
  readonly everyMs?: number
  readonly limitMs?: number
  /**
   * Asks once.
   *
   * @param limitMs  above zero; it ends within that time whatever the service does
   * @returns never rejects; one run at a time, a second one waits for nothing and asks beside the first
   */
  run(limitMs: number): Promise<CheckResult>
  /** Ends what is under way (its run says so) and closes what is open. */
  close(): void
}

export interface CheckContext {
  /** Processes of the service now, main included; fresh, for a process that is listed and gone is told. */
  processes(): readonly number[]
}

/** What several probes say against a service, one clause; null when nothing. */
export function faultOf(results: readonly CheckResult[]): string | null {
  const bad = results.filter(({ ok }) => !ok).map(({ why }) => why ?? 'a probe failed')
  return bad.length === 0 ? null : bad.join('; ')
}

/** Makes the probe that was written down. Asks nothing yet. */
export function openCheck(config: CheckConfig, context: CheckContext): Check {
  switch (config.kind) {
    case 'sip':
      return sipOptionsCheck(config)
    case 'tcp':
      return tcpCheck(config)
    case 'ng':
      return ngCheck(config)
    case 'jsonrpc':
      return jsonRpcCheck(config)
    case 'ami':
      return amiCheck(config)
    case 'sems':
      return semsCheck(config)
    case 'process':
      return processCheck(config, context)
    case 'usage':
      return usageCheck(config, context)
    case 'call':
      return callCheck(config)
  }
}
