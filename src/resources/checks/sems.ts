/**
 * Does SEMS say how many calls it has?
 *
 * The statistics plug-in answers lines by datagram: `calls` gives `Active calls: N`. It is a thread of its
 * own, so that the signalling answers as well is for a `sip` probe to say. The answer carries no number
 * of the question; a socket of its own per question keeps late answers apart.
 */
import { placeText } from '../../config/check-place.ts'
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { askByUdp } from '../../system/udp-ask.ts'
import type { Check } from './check.ts'
import { probe } from './probe.ts'
import { nothing, quote } from './words.ts'

/** Its reader needs the end of the line: it does not look at the length of the datagram. */
const QUESTION = Buffer.from('calls\n')
const WANTED = 'expected "Active calls: N"'

/** Makes the probe. */
export function semsCheck(config: CheckConfig & { kind: 'sems' }): Check {
  return probe({
    label: checkText(config),
    ask: async ({ signal, limitMs }) => {
      const target = `SEMS statistics at ${placeText(config)}`
      const answer = await askByUdp(config, {
        bytes: QUESTION,
        read: (bytes) => bytes.toString('latin1'),
        signal,
      })
      if (!answer.ok) return `${target}: ${WANTED}, ${nothing(answer, config, limitMs)}`
      // It sends the zero behind its text as well.
      if (/^Active calls: \d+\s*\0?$/.test(answer.value)) return null
      return `${target}: ${WANTED}, came ${quote(answer.value)}`
    },
  })
}
