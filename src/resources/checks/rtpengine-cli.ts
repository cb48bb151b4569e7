/**
 * How is rtpengine told its role, and how many sessions does it hold?
 *
 * One line over its CLI port (`listen-cli`), one answer, then it closes. `active` makes all calls its own,
 * `standby` makes them foreign; both may be said again. For role hooks; `ng.ts` has the probes.
 *
 * @source rtpengine 10.5, daemon/cli.c
 */
import { placeText } from '../../config/check-place.ts'
import { openTcp } from '../../system/tcp-ask.ts'
import { nothing, quote } from './words.ts'

export type RtpengineCommand = 'active' | 'standby' | 'list numsessions'

export type RtpengineAnswer =
  | {
      ok: true
      text: string /** Own and foreign together; null unless asked for. */
      sessions: number | null
    }
  | { ok: false; message: string }

const ANSWER_MAX_BYTES = 64 * 1024

/**
 * Says one command.
 *
 * @param address  numeric
 * @param limitMs  above zero
 * @returns never rejects; ends within the limit; a failure says in one sentence what came instead
 */
export async function askRtpengine(
  address: string,
  port: number,
  command: RtpengineCommand,
  limitMs: number,
): Promise<RtpengineAnswer> {
  const place = { address, port }
  const target = `rtpengine CLI at ${placeText(place)}: expected an answer to "${command}"`
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), limitMs)
  try {
    const opened = await openTcp({ ...place, signal: controller.signal })
    if (!opened.ok) return { ok: false, message: `${target}, ${nothing(opened, place, limitMs)}` }
    try {
      // Our side stays open: when rtpengine reads our end while it answers, it closes within the answer
      // (measured with 10.5: 108 of 400 were cut short, none of 400 this way).
      opened.line.write(`${command}\n`)
      const read = await opened.line.read(
        (heard, ended) => (ended && heard.length > 0 ? { value: heard, used: heard.length } : null),
        ANSWER_MAX_BYTES,
      )
      if (read.ok) return judge(read.value.toString().trim(), command, target)
      const rest = read.rest.length === 0 ? '' : `; what came was ${quote(read.rest)}`
      return { ok: false, message: `${target}, ${nothing(read, place, limitMs)}${rest}` }
    } finally {
      opened.line.close()
    }
  } finally {
    clearTimeout(timer)
  }
}

function judge(text: string, command: RtpengineCommand, target: string): RtpengineAnswer {
  if (command !== 'list numsessions') {
    if (/^ok\b/i.test(text)) return { ok: true, text, sessions: null }
    return { ok: false, message: `${target} that begins with Ok, came ${quote(text)}` }
  }
  const total = /sessions total:\s*(\d{1,9})\b/i.exec(text)?.[1]
  if (total !== undefined) return { ok: true, text, sessions: Number(total) }
  return { ok: false, message: `${target} with "sessions total: N", came ${quote(text)}` }
}
