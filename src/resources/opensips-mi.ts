/**
 * What does OpenSIPS say to a call of its management interface? JSON-RPC over HTTP, one request per
 * connection (`loadmodule "mi_http.so"`).
 *
 * Nothing is sent twice; what the interface does not say in time is not known.
 *
 * @source OpenSIPS 3.x, modules mi_http (POST of a JSON-RPC 2.0 request to its root) and dispatcher
 */
import { randomInt } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { placeText } from '../config/check-place.ts'
import { nothing, quote } from './checks/words.ts'
import { answerWithId, judgeAnswer, type RpcResult, rpcRequest } from './json-rpc.ts'

/** A list of thousands of destinations. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024

export interface OpensipsPlace {
  /** Numeric. */
  address: string
  port: number
  /** As `/mi`. */
  path: string
}

/**
 * Calls a method and waits for its answer.
 *
 * @param params   in the order the method wants them
 * @param limitMs  above zero
 * @returns never rejects; ends within the limit
 */
export async function callOpensips(
  place: OpensipsPlace,
  method: string,
  params: readonly string[],
  limitMs: number,
): Promise<RpcResult> {
  const id = randomInt(1, 2 ** 31)
  const target = `JSON-RPC ${method} to ${placeText(place)}: expected a result`
  const posted = await post(place, rpcRequest(id, method, params), limitMs)
  if (!posted.ok) {
    const code =
      posted.code === 'refused' ? 'closed' : posted.code === 'silent' ? 'silent' : 'failed'
    const message = `${target}, ${nothing(posted, place, limitMs)}`
    return { ok: false, code, error: null, message }
  }
  const answer = answerWithId(posted.bytes, id)
  if (answer !== null) return judgeAnswer(answer, target)
  const said = posted.bytes.length === 0 ? 'nothing' : quote(posted.bytes)
  const message = `${target}, came HTTP ${posted.status} with ${said}`
  return { ok: false, code: 'garbled', error: null, message }
}

type Posted =
  | { ok: true; status: number; bytes: Buffer }
  | {
      ok: false
      code: 'refused' | 'silent' | 'ended' | 'too-long' | 'failed'
      errno: string | null
    }

function post(place: OpensipsPlace, body: string, limitMs: number): Promise<Posted> {
  return new Promise((resolve) => {
    const end = (posted: Posted): void => {
      clearTimeout(late)
      resolve(posted)
      outgoing.destroy()
    }
    const late = setTimeout(() => end({ ok: false, code: 'silent', errno: null }), limitMs)
    const outgoing = request({
      ...{ host: place.address, port: place.port, path: place.path, method: 'POST', agent: false },
      headers: {
        ...{ accept: 'application/json', 'content-type': 'application/json' },
        'content-length': String(Buffer.byteLength(body)),
      },
    })
    outgoing.on('error', ({ code = 'UNKNOWN' }: NodeJS.ErrnoException) => {
      end({ ok: false, code: code === 'ECONNREFUSED' ? 'refused' : 'failed', errno: code })
    })
    outgoing.once('response', (incoming: IncomingMessage) => {
      const pieces: Buffer[] = []
      let bytes = 0
      incoming.on('data', (piece: Buffer) => {
        bytes += piece.length
        pieces.push(piece)
        if (bytes > ANSWER_MAX_BYTES) end({ ok: false, code: 'too-long', errno: null })
      })
      // The end is told by `close`.
      incoming.on('error', () => undefined)
      incoming.once('close', () => {
        if (!incoming.complete) return end({ ok: false, code: 'ended', errno: null })
        end({ ok: true, status: incoming.statusCode ?? 0, bytes: Buffer.concat(pieces) })
      })
    })
    outgoing.end(body)
  })
}
