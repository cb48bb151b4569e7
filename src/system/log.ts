/**
 * Where do log lines go? To standard output, one line each, without ever blocking whoever logs; where that is
 * the journal, to its own socket with their facts as fields (`journal.ts`), and to standard output what did not
 * get through there.
 *
 * Lines are handed to the thread pool one write at a time: a pipe nobody reads or a log file on a
 * dead disk holds up that queue and nothing else. When it is full the oldest lines go, counted.
 */
import { write } from 'node:fs'
import { encodeEntry, type LogFields } from './journal.ts'

const QUEUE_MAX = 1_000

export type Level = 'info' | 'warning' | 'error'

/** Priorities of syslog(3), which journald reads at the beginning of a line (sd-daemon(3)). */
const PRIORITY: Record<Level, number> = { info: 6, warning: 4, error: 3 }

export interface Log {
  /**
   * @param event   stable, kebab-case, for programs
   * @param text    a sentence for people
   * @param fields  for the journal, beside those of every line
   */
  line(level: Level, event: string, text: string, fields?: LogFields): void
  /** Resolves when everything said so far is written, or after a second. */
  flush(): Promise<void>
}

/** The journal, where standard output is connected to it. */
export interface JournalDoor {
  /** Takes an entry at once, or not. */
  send: (entry: Buffer) => boolean
  /** Fields of every line, by its event. */
  fieldsOf: (event: string) => LogFields
}

/**
 * @param descriptor  1 for standard output
 * @param journal     standard output is the journal: no time, but a priority; else null
 * @param nowIso      wall time, for people
 */
export function openLog(
  descriptor: number,
  journal: JournalDoor | null,
  nowIso: () => string,
): Log {
  const queue: string[] = []
  let writing = false
  let dropped = 0

  const next = (): void => {
    const text = queue.shift()
    if (text === undefined) {
      writing = false
      return
    }
    writing = true
    write(descriptor, text, () => next())
  }
  return {
    line(level, event, text, fields = {}) {
      const message = `${event}: ${text.replaceAll('\n', ' ')}`
      const priority = PRIORITY[level]
      if (journal !== null && dropped === 0) {
        const whole = {
          MESSAGE: message,
          PRIORITY: priority,
          ...journal.fieldsOf(event),
          ...fields,
        }
        if (journal.send(encodeEntry(whole))) return
      }
      if (queue.length >= QUEUE_MAX) {
        queue.shift()
        dropped += 1
      }
      const lost = dropped === 0 ? '' : ` (${dropped} lines before this one were dropped)`
      dropped = 0
      const head = journal === null ? `${nowIso()} ${level} ` : `<${priority}>`
      queue.push(`${head}${message}${lost}\n`)
      if (!writing) next()
    },
    async flush() {
      for (let waitedMs = 0; writing && waitedMs < 1_000; waitedMs += 10) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  }
}
