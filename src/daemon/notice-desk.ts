/**
 * Who is told what, and does this node say it or the peer?
 *
 * On the control thread: brings together what stands (`control/alarm.ts`), what was told (`notice-book.ts`) and
 * the ways to the operators (`notice-post.ts`), and keeps both for the next start of the agent.
 *
 * Of what both nodes see, the one that serves tells; while nobody does, sp1. Whoever does not hear the peer
 * tells everything. The peer says with its facts which alarms it has, so nothing is left to it on a guess.
 */
import { join } from 'node:path'
import type { PairConfig } from '../config/config.ts'
import { ALARMS, type AlarmCode } from '../control/alarm-table.ts'
import { type Alarm, type Notice, noticeOf } from '../control/notice.ts'
import { alarmKey, type BookEntry, NoticeBook } from '../control/notice-book.ts'
import type { StatusDocument, TransitionRecord } from '../control/schema.ts'
import { readWholeFile, replaceFile } from '../system/file.ts'
import type { Severity } from './message.ts'
import { NoticePost } from './notice-post.ts'
import type { Delivery } from './notice-process.ts'

const FILE_NAME = 'notices.json'
const FILE_MAX_BYTES = 4 * 1024 * 1024

export interface DeskLook {
  /** Wall time. */
  nowMs: number
  standing: readonly Alarm[]
  serves: boolean
  state: Notice['state']
  peerState: Notice['peerState']
  peerHeard: boolean
  /** Alarms of the peer, by key; null when it does not tell. */
  peerAlarms: ReadonlySet<string> | null
}

export interface NoticeDeskOptions {
  config: Pick<PairConfig, 'alarms' | 'node' | 'hostName'>
  stateDir: string
  send: (channel: PairConfig['alarms']['channels'][number], notice: Notice) => Promise<Delivery>
  log: (severity: Severity, event: string, text: string) => void
  /** Monotonic. */
  now: () => number
}

interface Kept {
  entries: BookEntry[]
  waiting: Record<string, Notice[]>
}

export class NoticeDesk {
  readonly #options: NoticeDeskOptions
  readonly #book: NoticeBook
  readonly #post: NoticePost
  readonly #path: string
  #kept = ''
  #writing: Promise<void> | null = null

  static async open(options: NoticeDeskOptions): Promise<NoticeDesk> {
    const path = join(options.stateDir, FILE_NAME)
    const read = await readWholeFile(path, { maxBytes: FILE_MAX_BYTES })
    return new NoticeDesk(options, path, read.ok ? keptIn(read.bytes.toString('utf8')) : EMPTY)
  }

  private constructor(options: NoticeDeskOptions, path: string, kept: Kept) {
    this.#options = options
    this.#path = path
    const { channels, remindAfterMs } = options.config.alarms
    this.#book = new NoticeBook(remindAfterMs, kept.entries)
    this.#post = new NoticePost(
      {
        channels,
        send: options.send,
        now: options.now,
        nowIso: () => new Date().toISOString(),
        told: (kind, delivery) => this.#told(kind, delivery),
      },
      kept.waiting,
    )
  }

  get channels(): StatusDocument['notices'] {
    return this.#post.channels
  }

  get raised(): NoticePost['raised'] {
    return this.#post.raised
  }

  /** This node serves now. */
  serves(record: TransitionRecord): void {
    this.#book.serves(record, Date.now())
  }

  /** To be told every few seconds. */
  look(look: DeskLook): void {
    const { node, hostName, alarms } = this.#options.config
    if (alarms.channels.length === 0) return
    const { nowMs, standing, state, peerState } = look
    const second = !speaks(look, node)
    const news = this.#book.look({
      ...{ nowMs, standing, second },
      toldByPeer: (alarm) =>
        second && isShared(alarm) && look.peerAlarms?.has(alarmKey(alarm)) === true,
    })
    if (news !== null && news.changes.length + news.alarms.length > 0) {
      const atIso = new Date(nowMs).toISOString()
      const about = { kind: 'news' as const, node, hostName, atIso, state, peerState }
      this.#post.add(noticeOf({ ...about, ...news, standing: standing.length }))
    }
    this.#post.look()
    this.#keep()
  }

  /** What was told is written down. Never rejects. */
  flush(): Promise<void> {
    return this.#writing ?? Promise.resolve()
  }

  #told(kind: string, delivery: Delivery): void {
    const { log } = this.#options
    if (delivery.ok) log('info', 'notice', `${kind}: ${delivery.answer}`)
    else log('warning', 'notice', `${kind}: ${delivery.why}; it is tried again`)
  }

  /** Writes what changed, one write at a time. A disk that is full costs a message told twice. */
  #keep(): void {
    const text = JSON.stringify({ entries: this.#book.entries, waiting: this.#post.waiting })
    if (this.#writing !== null || text === this.#kept) return
    this.#writing = replaceFile(this.#path, text, { mode: 0o600 }).then((written) => {
      if (written.ok) this.#kept = text
      this.#writing = null
    })
  }
}

const EMPTY: Kept = { entries: [], waiting: {} }

/** A file that is torn or of another release is as good as none. */
function keptIn(text: string): Kept {
  try {
    const { entries, waiting } = JSON.parse(text) as Partial<Kept>
    const sound = (entries ?? []).filter(
      ({ alarm, sinceMs, returns }) =>
        typeof alarm?.code === 'string' &&
        typeof sinceMs === 'number' &&
        typeof returns === 'number',
    )
    return { entries: sound, waiting: waiting ?? {} }
  } catch {
    return EMPTY
  }
}

/** Of two nodes that hear each other one speaks for both. */
function speaks({ serves, peerHeard, peerState }: DeskLook, node: PairConfig['node']): boolean {
  if (serves || !peerHeard) return true
  return peerState !== 'active' && node === 'sp1'
}

function isShared({ code }: Alarm): boolean {
  return Object.hasOwn(ALARMS, code) && ALARMS[code as AlarmCode].scope === 'pair'
}
