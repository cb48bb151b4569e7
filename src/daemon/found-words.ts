/**
 * What is said at start about the hard state that was found? Nothing, when it was read.
 */
import type { Severity } from './message.ts'
import type { Found } from './store.ts'

export function wordsOfFound(
  found: Found,
): { severity: Severity; event: string; text: string } | null {
  switch (found.kind) {
    case 'read':
      return null
    case 'lost': {
      const text = 'no hard state was found: a first start, or a lost disk'
      return { severity: 'warning', event: 'state-lost', text }
    }
    case 'corrupt': {
      const text = `the hard state is corrupt; it is kept as ${found.keptAs}`
      return { severity: 'error', event: 'state-corrupt', text }
    }
  }
}
