/**
 * How does the page ask the agent that served it? With the token that was typed in, or with what the browser
 * itself has (a client certificate, or the name and token of its own dialogue).
 */
import type { ErrorDocument } from '../schema.ts'

const KEPT_AS = 'tandem-token'

export class Refusal extends Error {
  readonly status: number
  readonly mend: string

  constructor(status: number, message: string, mend: string) {
    super(message)
    this.status = status
    this.mend = mend
  }
}

export function keptToken(): string | null {
  return sessionStorage.getItem(KEPT_AS)
}

export function keepToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(KEPT_AS)
  else sessionStorage.setItem(KEPT_AS, token)
}

export function request(path: string, options: RequestInit = {}): Promise<Response> {
  const token = keptToken()
  const headers = new Headers(options.headers)
  if (token !== null) headers.set('authorization', `Bearer ${token}`)
  // With a token of our own the browser is kept from adding, or asking for, one of its own.
  const credentials = token === null ? 'same-origin' : 'omit'
  return fetch(path, { ...options, headers, credentials, cache: 'no-store' })
}

const ANSWER_LIMIT_MS = 5_000

/** @throws Refusal when the agent said no; another error when there was no answer */
export async function ask<Document>(path: string, body?: object): Promise<Document> {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS)
  const sent: RequestInit =
    body === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }
  const response = await request(path, { ...sent, signal })
  const document: unknown = await response.json()
  // 409 carries the operation that was refused, with its reason.
  if (response.ok || response.status === 409) return document as Document
  const { message, mend } = document as ErrorDocument
  throw new Refusal(response.status, message, mend)
}
