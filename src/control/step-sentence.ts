/**
 * How is a step of a move said? The same on the node that did it and on the one that was told.
 */
import type { ToldStepKind } from '../wire/told-step.ts'

/** @param subject  a store or a service; empty where no single one is meant */
export function stepSentence(kind: ToldStepKind, subject = ''): string {
  switch (kind) {
    case 'gate-open':
      return 'the gate is open'
    case 'store-writable':
      return `${subject} takes writes`
    case 'all-writable':
      return 'the stores take writes'
    case 'announced':
      return 'the floating IPs are announced'
    case 'service-started':
      return `${subject} was started`
    case 'service-told':
      return `${subject} was told "active"`
    case 'all-serving':
      return 'every service is up'
    case 'call-ok':
      return 'the test call went well'
    case 'call-failed':
      return 'the test call failed'
  }
}
