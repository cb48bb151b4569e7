/**
 * How is a JSON document posted to a web server?
 *
 * With Node's own client, one connection each, one limit on everything from looking up the name to the end of
 * the answer. Redirects are not followed: a token must not travel to where nobody sent it.
 */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface PostRequest {
  url: string
  /** Sent as a bearer token; null: none. */
  token: string | null
  /** PEM; null: as the system trusts. */
  ca: string | null
  body: string
  limitMs: number
}

/** `origin` in messages is all that is told of the address. */
export type PostResult = { ok: true; answer: string } | { ok: false; why: string }

/** Posts it; only 2xx is done. Never rejects. */
export function postJson({ url, token, ca, body, limitMs }: PostRequest): Promise<PostResult> {
  const { origin, protocol } = new URL(url)
  const bytes = Buffer.from(body)
  return new Promise((resolve) => {
    const options = {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': bytes.length,
        'user-agent': 'tandem',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(ca === null ? {} : { ca }),
    }
    const post = protocol === 'https:' ? httpsRequest : httpRequest
    let end: (result: PostResult) => void = () => {}
    const request = post(url, options, (response) => {
      const status = response.statusCode ?? 0
      response.on('error', (error) => end({ ok: false, why: `${origin}: ${error.message}` }))
      response.on('end', () =>
        end(
          status >= 200 && status < 300
            ? { ok: true, answer: `${origin} answered ${status}` }
            : { ok: false, why: `${origin} answered ${status}` },
        ),
      )
      // Nobody reads what it says: an answer may be long.
      response.resume()
    })
    const timer = setTimeout(
      () => end({ ok: false, why: `${origin} did not answer within ${limitMs} ms` }),
      limitMs,
    )
    end = (result) => {
      clearTimeout(timer)
      request.destroy()
      resolve(result)
    }
    request.on('error', (error: NodeJS.ErrnoException) =>
      end({ ok: false, why: `${origin}: ${error.code ?? error.message}` }),
    )
    request.end(bytes)
  })
}
