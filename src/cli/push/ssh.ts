/**
 * How does a request of a push reach the peer, and what came back?
 */
import { type PeerFailure, runOverSsh } from '../peer-shell.ts'
import { type PushAnswer, type PushRequest, readAnswer } from './exchange.ts'

/** Files of the configuration, packed. */
const ANSWER_MAX_CHARS = 12_000_000

export type Told = { ok: true; answer: PushAnswer; host: string } | PeerFailure

/** Something that brings a request to a host and the answer back. */
export type AskPeer = (host: string, request: PushRequest, limitMs: number) => Promise<Told>

/** Never rejects. */
export const askOverSsh: AskPeer = async (host, request, limitMs) => {
  const told = await runOverSsh(host, {
    words: ['config', 'receive'],
    input: JSON.stringify(request),
    limitMs,
    outputMaxChars: ANSWER_MAX_CHARS,
  })
  if (!told.ok) return told
  const answer = readAnswer(told.stdout)
  if (answer !== null) return { ok: true, answer, host }
  const message = 'what it said is no answer'
  return { ok: false, code: 'lost', host, message, mend: 'run it again' }
}
