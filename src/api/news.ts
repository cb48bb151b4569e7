/**
 * What do the agent and the process that serves its API say to each other? One document at the start,
 * then lines.
 */
import type { ApiConfig } from '../config/config.ts'

/** No secrets: arguments are there for everybody to see. */
export interface ListenerArgument {
  api: ApiConfig
  runDir: string
}

export type ListenerNews =
  | { type: 'log'; severity: 'info' | 'warning' | 'error'; event: string; text: string }
  /** `troubles` is empty while everything is served; wall time at which the certificate runs out. */
  | { type: 'state'; troubles: readonly string[]; notAfterMs: number | null }
