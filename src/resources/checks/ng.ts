/**
 * Does rtpengine answer, and can it take a call?
 *
 * `ping` only shows that its control thread runs. With `offer` a call is allocated as Kamailio does it, and
 * deleted at once: only that shows that sockets can be bound to the address it relays on.
 *
 * The call has an id of its own, the same for every run on this host, so that what a run could not delete
 * (no answer, or we were killed) is deleted by the next one before it allocates another: there is one call
 * of ours at most, and none after a run that was answered. It stays out of Redis (`no-redis-update`),
 * where a standby would not be allowed to write it. rtpengine itself would keep it for an hour.
 */
import { hostname } from 'node:os'
import { placeText } from '../../config/check-place.ts'
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { UdpAsker } from '../../system/udp-ask.ts'
import type { Check } from './check.ts'
import { askNg, type NgReply, ngDatagram } from './ng-client.ts'
import { probe, type Run, type Verdict } from './probe.ts'
import { nothing, quote } from './words.ts'

type NgConfig = CheckConfig & { kind: 'ng' }

/** Of what is left after the ping, for the offer; the rest is for the delete. */
const OFFER_SHARE = 0.7
const TAG = 'tandem-check'

/** From the addresses that are nobody's: no packet is sent to them before there is an answer. */
const OFFERED_SDP = [
  'v=0',
  'o=tandem 1 1 IN IP4 192.0.2.1',
  's=tandem check',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 9 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n')

/** Makes the probe. */
export function ngCheck(config: NgConfig): Check {
  const call = new OwnCall(config)
  return probe({
    label: checkText(config),
    ask: (run) => ask(config, call, run),
    onClose: () => call.forget(),
  })
}

async function ask(config: NgConfig, call: OwnCall, run: Run): Promise<Verdict> {
  const target = `rtpengine at ${placeText(config)}`
  const asker = new UdpAsker(config)
  try {
    const pong = await askNg(asker, { command: 'ping' }, run.signal)
    if (!pong.ok || pong.result !== 'pong') {
      return `${target}: expected a pong, ${came(pong, config, run)}`
    }
    if (!config.offer) return null
    call.begin()
    const left = await call.clear(asker, run)
    if (left !== null) return `${target}: expected our last call to be deleted, ${left}`
    const verdict = await call.offer(asker, run)
    const stays = await call.clear(asker, run)
    if (typeof verdict === 'string') return `${target}: ${verdict}`
    if (stays !== null) return `${target}: expected the call to be deleted, ${stays}`
    return verdict === null ? null : { note: `${target}: ${verdict.note}` }
  } finally {
    asker.close()
  }
}

/** The one call that probes of this host have at this rtpengine. */
class OwnCall {
  readonly #config: NgConfig
  readonly #id: string
  /** It may be there: also at first, from an agent that was killed. */
  #open = true
  #offered = false
  /** An offer of this run may still be worked on, so that its call may come after the delete. */
  #late = false

  constructor(config: NgConfig) {
    this.#config = config
    this.#id = `tandem-check@${hostname()}:${config.port}`
  }

  /** A new run, which has its pong: what was offered before it was worked off before that. */
  begin(): void {
    this.#late = false
  }

  /** Allocates it. A refusal for its own limits is no fault of rtpengine: it works, and is full. */
  async offer(asker: UdpAsker, run: Run): Promise<Verdict> {
    const controller = new AbortController()
    const end = (): void => controller.abort()
    const timer = setTimeout(end, run.leftMs() * OFFER_SHARE)
    run.signal.addEventListener('abort', end, { once: true })
    this.#open = true
    this.#offered = true
    const offer = {
      command: 'offer',
      'call-id': this.#id,
      'from-tag': TAG,
      sdp: OFFERED_SDP,
      flags: ['no-redis-update'],
      replace: ['origin'],
      ICE: 'remove',
    }
    const answer = await askNg(asker, offer, controller.signal)
    clearTimeout(timer)
    run.signal.removeEventListener('abort', end)
    this.#late = !answer.ok
    if (answer.ok && answer.result === 'ok') {
      if (/^m=audio [1-9]\d* /m.test(answer.sdp)) return null
      return `expected a port for an offered call, came ${quote(answer.sdp)}`
    }
    if (answer.ok && answer.result === 'load limit') {
      return { note: `it refuses new calls for its own limits: ${quote(answer.reason)}` }
    }
    if (answer.ok && /ran out of ports/i.test(answer.reason)) {
      return (
        'it answers, but cannot take a call: "Ran out of ports" (its address is not on this host and ' +
        'net.ipv4.ip_nonlocal_bind, or the one of ipv6, is not 1; or all ports are in use)'
      )
    }
    return `expected a port for an offered call, ${came(answer, this.#config, run)}`
  }

  /**
   * Deletes it where it may be there.
   *
   * @returns null when rtpengine said that it is not there, else what came instead, as the end of a sentence
   */
  async clear(asker: UdpAsker, run: Run): Promise<string | null> {
    if (!this.#open) return null
    if (run.signal.aborted) {
      // There is no time to wait, but an offer that is still on its way shall have its end behind it.
      this.#tell()
      return came({ ok: false, code: 'silent', errno: null, strange: null }, this.#config, run)
    }
    const answer = await askNg(asker, this.#deletion(), run.signal)
    if (!answer.ok || (answer.result !== 'ok' && !/unknown|not found/i.test(answer.reason))) {
      return came(answer, this.#config, run)
    }
    const found = answer.result === 'ok' && answer.warning === ''
    this.#open = this.#late && !found
    return null
  }

  /** The probe is closed: nobody will come back for it. */
  forget(): void {
    if (this.#open && this.#offered) this.#tell()
  }

  #tell(): void {
    new UdpAsker(this.#config).tellAndClose(ngDatagram(this.#deletion()))
  }

  #deletion() {
    // Without a delay it would count as a session for half a minute more.
    return { command: 'delete', 'call-id': this.#id, 'from-tag': TAG, 'delete delay': 0 }
  }
}

function came(answer: NgReply, config: NgConfig, run: Run): string {
  if (answer.ok) return `came ${quote(`${answer.result} ${answer.reason}`)}`
  const strange = answer.strange === null ? '' : `; what came was ${quote(answer.strange)}`
  return `${nothing(answer, config, run.limitMs)}${strange}`
}
