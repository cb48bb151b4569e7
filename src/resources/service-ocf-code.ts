/**
 * What does the exit code of an OCF resource agent mean for a service?
 *
 * @source  OCF resource agent API 1.1, "Exit status codes"
 */
import type { ServiceFault, ServiceState } from './service.ts'

interface Meaning {
  words: string
  /** What a monitor that ends so has seen; null: it has not seen anything. */
  state: ServiceState | null
  /** The fault that any other action is which ends so. */
  code: ServiceFault['code']
}

const MEANINGS: Readonly<Record<number, Meaning>> = {
  0: { words: 'success', state: 'running', code: 'HA_SERVICE_FAILED' },
  1: { words: 'generic error', state: 'failed', code: 'HA_SERVICE_FAILED' },
  2: { words: 'wrong arguments', state: null, code: 'HA_SERVICE_REFUSED' },
  3: { words: 'action not implemented', state: null, code: 'HA_SERVICE_REFUSED' },
  4: { words: 'no permission', state: null, code: 'HA_SERVICE_REFUSED' },
  5: { words: 'not installed', state: null, code: 'HA_SERVICE_MISSING' },
  6: { words: 'not configured correctly', state: null, code: 'HA_SERVICE_REFUSED' },
  7: { words: 'not running', state: 'stopped', code: 'HA_SERVICE_FAILED' },
  8: { words: 'running, promoted', state: 'running', code: 'HA_SERVICE_FAILED' },
  9: { words: 'failed, promoted', state: 'failed', code: 'HA_SERVICE_FAILED' },
  190: { words: 'running, degraded', state: 'running', code: 'HA_SERVICE_FAILED' },
  191: { words: 'running, promoted, degraded', state: 'running', code: 'HA_SERVICE_FAILED' },
}

/** A code that the API does not know is a failure, as other managers have it. */
export function ocfMeaning(exitCode: number): Meaning {
  const unknown: Meaning = { words: 'unknown code', state: 'failed', code: 'HA_SERVICE_FAILED' }
  return MEANINGS[exitCode] ?? unknown
}
