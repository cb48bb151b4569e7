/**
 * Can a subscriber call another through the platform, with audio?
 *
 * A real call, with everything that `tandem check-sip` does and in its words. Dear: it has a pace and a limit
 * of its own. The password is read from its file each time, and is in no sentence.
 */
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { Credentials } from '../../sip/digest.ts'
import { readSubscriber } from '../../sip/subscriber.ts'
import { placeTestCall, type TestCallPlan } from '../../sip/test-call.ts'
import { systemTrust } from '../../sip/trust.ts'
import { hostText } from '../../sip/uri.ts'
import { readPassword } from '../../system/password.ts'
import type { Check } from './check.ts'
import { probe } from './probe.ts'

type CallConfig = CheckConfig & { kind: 'call' }

/** For each step. */
const STEP_LIMIT_MS = 5_000
/** For the whole, besides its audio: REGISTER of both, INVITE, BYE, and what is taken back. */
const LIMIT_MS = 30_000

/** Makes the probe. With a call that went well its `why` says how. */
export function callCheck(config: CallConfig, place = placeTestCall): Check {
  const check = probe({
    label: checkText(config),
    ask: async ({ signal }) => {
      const planned = await callPlan(config)
      if (typeof planned === 'string') return planned
      const { outcome, why } = await place(planned, signal)
      return outcome === 'ok' ? { note: why } : `${outcome}: ${why}`
    },
  })
  return { ...check, everyMs: config.everyMs, limitMs: LIMIT_MS + config.seconds * 1000 }
}

/** @returns what is to be done, or why it cannot even be tried */
export async function callPlan(config: CallConfig): Promise<TestCallPlan | string> {
  const { transport, address, port, passwordFile, local, seconds } = config
  // A function, because a text may hold `$&`, which replace would obey.
  const fill = (text: string): string => text.replace(/\bHOST\b/g, () => hostText(address))
  const from = readSubscriber(fill(config.from))
  const to = readSubscriber(fill(config.to))
  if (!from.ok) return `failed: ${config.from} ${from.why}`
  if (!to.ok) return `failed: ${config.to} ${to.why}`
  const read = passwordFile === null ? null : await readPassword(passwordFile)
  if (read?.ok === false) return `failed: ${read.message}`
  const trust = transport === 'tls' ? await systemTrust() : ({ check: true, ca: null } as const)
  const knownAs = (user: string) => (read === null ? null : new Credentials(user, read.password))
  return {
    from: from.uri,
    to: to.uri,
    ...{ transport, trust },
    proxy: { host: address, port },
    registrar: null,
    caller: knownAs(from.user),
    callee: local ? knownAs(to.user) : null,
    local: local ? { address: null, port: null } : null,
    limitMs: STEP_LIMIT_MS,
    mediaMs: seconds * 1000,
    samples: null,
  }
}
