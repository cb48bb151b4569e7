/**
 * With which number does `tandem check-sip` end?
 *
 * A table of its own, printed in its help: monitoring decides by these numbers. They lean on those of the
 * other commands (exit-code.ts) and never change their meaning.
 */
import type { Outcome } from '../sip/test-call-report.ts'

export const SIP_EXIT: Readonly<Record<Outcome | 'usage', number>> = {
  /** Every step was answered as it should be, and audio flowed as far as it was asked for. */
  ok: 0,
  /** The command line, or a file it names; nothing was tried. */
  usage: 1,
  /** Port closed, no route, name unknown, TLS or certificate not accepted. */
  unreachable: 2,
  /** SIP said no: wrong password, unknown callee, busy. */
  refused: 3,
  /** Nobody answered within the time-out. */
  'no-answer': 4,
  /** The call stood without audio, or with audio one way only. */
  'no-audio': 5,
  /** This host's own side (address, port, firewall), or stopped by a signal. */
  failed: 6,
}

export const SIP_EXIT_HELP = `Exit status: 0 ok, 1 wrong usage, 2 unreachable (port closed, no route, TLS), 3 refused by SIP (such as
a wrong password), 4 no answer in time, 5 no or one-way audio, 6 failed on this host or stopped. With
several targets, that of the first one that was not ok.`
