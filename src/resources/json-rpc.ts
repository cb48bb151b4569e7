/**
 * What does a JSON-RPC 2.0 answer say? The same over whatever it comes.
 *
 * Nothing here sends: `checks/kamailio-rpc.ts` does over UDP, `opensips-mi.ts` over HTTP.
 *
 * @source JSON-RPC 2.0
 */
import { quote } from './checks/words.ts'

export type RpcResult =
  | { ok: true; result: unknown }
  | {
      ok: false
      /**
       * `rejected`: it answered with an error, `error` has its number. `closed`: nobody listens. `silent`:
       * nothing came in time. `garbled`: an answer with our number that is none. `failed`: the system could
       * not send.
       */
      code: 'rejected' | 'closed' | 'silent' | 'garbled' | 'failed'
      error: number | null
      /** One sentence with target, method and what came. */
      message: string
    }

/** A call as text. Without parameters there is no member for them. */
export function rpcRequest(id: number, method: string, params: readonly unknown[]): string {
  return JSON.stringify({
    ...{ jsonrpc: '2.0', method, id },
    ...(params.length === 0 ? {} : { params }),
  })
}

/** The object in an answer if it carries our number. Some versions tell the number as a text. */
export function answerWithId(bytes: Buffer, id: number): Record<string, unknown> | null {
  try {
    const answer: unknown = JSON.parse(bytes.toString())
    if (!isRecord(answer)) return null
    return answer['id'] === id || answer['id'] === String(id) ? answer : null
  } catch {
    return null
  }
}

/** @param target  as the message begins, up to what came */
export function judgeAnswer(
  { error, result }: Readonly<Record<string, unknown>>,
  target: string,
): RpcResult {
  const refusal = (
    code: 'rejected' | 'garbled',
    what: string,
    number: number | null,
  ): RpcResult => ({
    ...{ ok: false, code, error: number },
    message: `${target}, ${what}`,
  })
  if (isRecord(error)) {
    const number = typeof error['code'] === 'number' ? error['code'] : null
    const text = typeof error['message'] === 'string' ? error['message'] : 'no reason given'
    return refusal('rejected', `came error ${number ?? 'without a number'}: ${quote(text)}`, number)
  }
  if (error !== undefined && error !== null) {
    return refusal('garbled', `came an error that is none: ${quote(JSON.stringify(error))}`, null)
  }
  if (result === undefined) {
    return refusal('garbled', 'came an answer with neither result nor error', null)
  }
  return { ok: true, result }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
