/**
 * What does Kamailio say to a JSON-RPC call?
 *
 * Over UDP, because Node has no unix datagrams (`modparam("jsonrpcs", "dgram_socket", "udp:…")`). The
 * answer is the one with our number; everything else is passed over. The control socket has processes of
 * its own: that it answers says nothing about SIP, for which there is the `sip` probe.
 *
 * Nothing is sent twice, because a call may change something; a lost datagram is `silent`, and then it
 * is not known whether the call was carried out.
 *
 * @source JSON-RPC 2.0; Kamailio's module jsonrpcs
 */
import { randomInt } from 'node:crypto'
import { placeText } from '../../config/check-place.ts'
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { askByUdp } from '../../system/udp-ask.ts'
import { answerWithId, judgeAnswer, type RpcResult, rpcRequest } from '../json-rpc.ts'
import type { Check } from './check.ts'
import { probe } from './probe.ts'
import { nothing, quote } from './words.ts'

/** Calls methods of one Kamailio. Holds nothing open between calls. */
export class KamailioRpc {
  readonly #place: { address: string; port: number }

  constructor(place: { address: string; port: number }) {
    this.#place = { address: place.address, port: place.port }
  }

  /**
   * Calls a method and waits for its answer.
   *
   * @param params   in the order the method wants them, as ['d', 1, 'sip:10.0.0.2']
   * @param limitMs  above zero
   * @returns never rejects; ends within the limit
   */
  async call(method: string, params: readonly unknown[], limitMs: number): Promise<RpcResult> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), limitMs)
    try {
      return await callKamailio(this.#place, { method, params, limitMs, signal: controller.signal })
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The probe: any result is well. */
export function jsonRpcCheck(config: CheckConfig & { kind: 'jsonrpc' }): Check {
  return probe({
    label: checkText(config),
    ask: async ({ signal, limitMs }) => {
      const answer = await callKamailio(config, {
        method: config.method,
        params: [],
        limitMs,
        signal,
      })
      return answer.ok ? null : answer.message
    },
  })
}

async function callKamailio(
  place: { address: string; port: number },
  call: { method: string; params: readonly unknown[]; limitMs: number; signal: AbortSignal },
): Promise<RpcResult> {
  const { method, params, limitMs, signal } = call
  const id = randomInt(1, 2 ** 31)
  const target = `JSON-RPC ${method} to ${placeText(place)}: expected a result`
  const answer = await askByUdp(place, {
    bytes: Buffer.from(rpcRequest(id, method, params)),
    read: (bytes) => answerWithId(bytes, id),
    signal,
  })
  if (answer.ok) return judgeAnswer(answer.value, target)
  const code = answer.code === 'refused' ? 'closed' : answer.code
  const strange = answer.strange === null ? '' : `; what came was ${quote(answer.strange)}`
  const message = `${target}, ${nothing(answer, place, limitMs)}${strange}`
  return { ok: false, code, error: null, message }
}
