/**
 * How is one command of rtpengine's ng protocol asked over UDP?
 *
 * A cookie of our own, a blank and a bencoded dictionary go out; the answer carries the same cookie, which
 * tells it from answers to somebody else. What the answer means is for the caller.
 *
 * @source rtpengine, docs/ng_control_protocol.md
 */
import { randomBytes } from 'node:crypto'
import type { UdpAsker, UdpNoAnswer } from '../../system/udp-ask.ts'
import { type BencodeDictionary, decodeBencode, encodeBencode } from './bencode.ts'

export type NgCommand = Readonly<Record<string, string | number | readonly string[]>>

/** What an answer says; texts are empty where it says nothing. */
export interface NgAnswer {
  ok: true
  /** `pong`, `ok`, `error` or `load limit`. */
  result: string
  reason: string
  /** With `ok`: what was not as asked, as a call to delete that is not there. */
  warning: string
  sdp: string
}

export type NgReply = NgAnswer | UdpNoAnswer

/** Asks; never rejects. */
export async function askNg(
  asker: UdpAsker,
  command: NgCommand,
  signal: AbortSignal,
): Promise<NgReply> {
  const cookie = newCookie()
  const answer = await asker.ask({
    bytes: datagram(cookie, command),
    read: (bytes) => answerWith(cookie, bytes),
    signal,
  })
  return answer.ok ? answer.value : answer
}

/** A command whose answer nobody waits for. */
export function ngDatagram(command: NgCommand): Buffer {
  return datagram(newCookie(), command)
}

function newCookie(): string {
  return randomBytes(8).toString('hex')
}

function datagram(cookie: string, command: NgCommand): Buffer {
  const dictionary: BencodeDictionary = new Map(Object.entries(command))
  return Buffer.concat([Buffer.from(`${cookie} `), encodeBencode(dictionary)])
}

function answerWith(cookie: string, bytes: Buffer): NgAnswer | null {
  const start = cookie.length + 1
  if (bytes.subarray(0, start).toString('latin1') !== `${cookie} `) return null
  const value = decodeBencode(bytes.subarray(start))
  if (!(value instanceof Map)) return null
  const text = (key: string): string => {
    const found = (value as BencodeDictionary).get(key)
    return typeof found === 'string' ? found : ''
  }
  const result = text('result')
  if (result === '') return null
  const reason = text('error-reason') || text('message')
  return { ok: true, result, reason, warning: text('warning'), sdp: text('sdp') }
}
