/**
 * Does somebody listen on a TCP port?
 *
 * Connects and closes, nothing more. The kernel takes connections for a program that is frozen, so this
 * says that a socket is open and not that anybody serves it.
 */
import { placeText } from '../../config/check-place.ts'
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { openTcp } from '../../system/tcp-ask.ts'
import type { Check } from './check.ts'
import { probe } from './probe.ts'
import { nothing } from './words.ts'

/** Makes the probe. */
export function tcpCheck(config: CheckConfig & { kind: 'tcp' }): Check {
  return probe({
    label: checkText(config),
    ask: async ({ signal, limitMs }) => {
      const opened = await openTcp({ ...config, signal })
      if (opened.ok) {
        opened.line.close()
        return null
      }
      return `TCP to ${placeText(config)}: expected a connection, ${nothing(opened, config, limitMs)}`
    },
  })
}
