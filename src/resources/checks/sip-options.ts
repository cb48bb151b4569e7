/**
 * Does a SIP socket answer OPTIONS?
 *
 * The probe that counts: each listen socket has workers of its own, so one that is asked says nothing of
 * the next, and a control socket nothing of any. Which final answers mean alive is decided where the
 * request is sent (`sip/options.ts`). A certificate is not judged here: whether callers trust it does not
 * get better by restarting the service.
 */
import { placeText } from '../../config/check-place.ts'
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { sipOptions } from '../../sip/options.ts'
import type { Check } from './check.ts'
import { probe } from './probe.ts'

/** Makes the probe. */
export function sipOptionsCheck(config: CheckConfig & { kind: 'sip' }): Check {
  const { transport, address, port } = config
  return probe({
    label: checkText(config),
    ask: async ({ leftMs }) => {
      // It keeps its own time: a little less than ours, so that it is the one to say what came.
      const answer = await sipOptions({ transport, address, port }, Math.max(1, leftMs() - 10))
      if (answer.ok) return null
      const came = answer.why ?? `${transport} ${placeText(config)}: nothing`
      return `OPTIONS: expected a final answer that says alive, ${came}`
    },
  })
}
