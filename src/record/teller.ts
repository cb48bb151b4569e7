/**
 * What did this node decide and do, and what did the peer say? One entry of the record after the other.
 */
import type { Effect } from '../core/effect.ts'
import type { Event } from '../core/event.ts'
import type { Heartbeat } from '../core/heartbeat.ts'
import { peerOf } from '../core/policy.ts'
import { REASONS, type Reason } from '../core/reason.ts'
import { NEVER } from '../core/state.ts'
import { type Entry, entriesOf, type StepEntry } from './entry.ts'
import type { FlightRecord } from './file.ts'
import type { Note } from './recorder.ts'
import { line, ms, type Told } from './told.ts'

type EffectEntry = Extract<Entry, { type: 'effect' }>
type MarkEntry = Extract<Entry, { type: 'mark' }>

export class Teller {
  readonly #record: FlightRecord
  readonly #lines: Told[] = []
  readonly #peer: string
  #nowMs: number
  #now: { role: string; armed: boolean; reason: Reason }
  #said: Heartbeat | null
  #heardMs: number
  #probing = false
  #met = false
  #open: boolean
  #occupied: boolean
  /** The addresses were asked for and are not there yet. */
  #asked = false
  #announced = true
  #renewed = { count: 0, atMs: 0 }
  /** The floating IPs are here; null: not known. */
  #present: boolean | null
  #writing = new Map<number, { term: number; atMs: number }>()

  constructor(record: FlightRecord) {
    const { begin, beginMs, node } = record.header
    this.#record = record
    this.#peer = peerOf(node)
    this.#nowMs = beginMs
    this.#now = begin
    this.#said = begin.peer
    this.#heardMs = begin.lastHeardMs
    this.#open = begin.armed
    this.#present = begin.startedAtMs === NEVER ? false : null
    this.#occupied = begin.occupiedAtMs !== null
  }

  /** In order of time. */
  tell(): Told[] {
    const { numbers, header } = this.#record
    this.#opening()
    const notes = [...header.notes].sort((a, b) => a.atMs - b.atMs)
    for (const entry of entriesOf(numbers, header.texts)) {
      while ((notes[0]?.atMs ?? Number.POSITIVE_INFINITY) <= this.#nowMs) this.#note(notes.shift())
      if (entry.type === 'step') this.#step(entry)
      else if (entry.type === 'effect') this.#effect(entry)
      else this.#mark(entry)
    }
    for (const note of notes) this.#note(note)
    return this.#lines
  }

  /** Announcements of a peer that serves are its right. */
  #note(note: Note | undefined): void {
    if (note === undefined) return
    if (note.event === 'address' && !this.#probing && !this.#now.armed) return
    this.#say(`note-${note.event}`, `${note.event}: ${note.text}`, 'plain', note.atMs)
  }

  #say(code: string, sentence: string, tone: Told['tone'] = 'plain', atMs = this.#nowMs): void {
    this.#lines.push(line(atMs, code, sentence, tone))
  }

  #opening(): void {
    const { begin, beginMs, node, policy } = this.#record.header
    const silentMs = beginMs - begin.lastHeardMs
    const heard =
      begin.peer !== null && silentMs <= policy.timing.suspicionMs
        ? `${this.#peer} is heard and says ${begin.peer.role}`
        : `${this.#peer} is not heard`
    const is = begin.reason === 'started' ? 'starts' : `is ${begin.role}`
    this.#say('begin', `the record begins: ${node} ${is}, term ${begin.term}; ${heard}`)
  }

  #step({ event, role, armed, reason }: StepEntry): void {
    this.#nowMs = event.nowMs
    this.#event(event)
    const before = this.#now
    this.#now = { role, armed, reason }
    if (role === before.role && armed === before.armed) return
    const tone = role === 'active' ? 'good' : role === 'demoting' ? 'bad' : 'plain'
    const change = role === before.role ? role : `${before.role} -> ${role}`
    const ended = before.armed && !armed ? this.#renewals() : ''
    this.#say(
      'role',
      `decision: ${change}${armed ? ', serving' : ''}: ${REASONS[reason]}${ended}`,
      tone,
    )
    if (armed && !before.armed) this.#announced = false
    this.#probing = false
    this.#met = false
  }

  #event(event: Event): void {
    const forced = 'force' in event && event.force === true ? ', by force' : ''
    switch (event.type) {
      case 'start':
        this.#say('start', 'the agent starts')
        return
      case 'heartbeat':
        this.#hear(event.heartbeat)
        return
      case 'probed':
        this.#noteProbe(event.clear, event.knock === true)
        return
      case 'persisted': {
        const asked = this.#writing.get(event.ticket)
        if (asked === undefined) return
        const tookMs = this.#nowMs - asked.atMs
        this.#say('persisted', `term ${asked.term} is on disk, after ${ms(tookMs)}`)
        return
      }
      case 'ask':
        this.#say('ask', `an operator asks for ${event.node} to be active${forced}`)
        return
      case 'maintenance':
        this.#say('maintenance', `an operator ${event.on ? 'begins' : 'ends'} maintenance${forced}`)
        return
      case 'health':
        if (event.healthy) {
          this.#say('health', 'this node is fit to serve', 'good')
          return
        }
        this.#say('health', 'this node is not fit to serve: a service, a store or its LAN', 'warn')
        return
      case 'refused':
        if (this.#now.role === 'standby') return
        this.#say('refused', 'the kernel refused it', 'bad')
        return
      case 'demoted':
        if (this.#record.header.stores.length > 0) this.#say('demoted', 'the stores are demoted')
        return
      case 'frozen':
        if (this.#record.header.stores.length > 0) {
          this.#say('frozen', 'the stores stand still: no write is confirmed any more')
        }
        return
      case 'fenced':
        this.#say('fenced', event.off ? 'the peer is switched off' : 'the fencing failed')
        return
      default:
    }
  }

  /** Told when it begins and when it ends, for each answer starts T3 over. */
  #noteProbe(clear: boolean, knock: boolean): void {
    if (!this.#probing || clear !== this.#met) return
    this.#met = !clear
    if (clear) this.#say('address-free', 'nobody answers for the floating IPs any more')
    else {
      const who = knock ? 'probes for' : 'answers for or claims'
      this.#say('address-met', `somebody ${who} a floating IP: T3 has to wait`, 'warn')
    }
  }

  #hear(heartbeat: Heartbeat): void {
    const said = this.#said
    const peer = this.#peer
    if (heartbeat.node !== peer) return
    // What was overtaken on a quicker path says what was.
    if (said?.boot === heartbeat.boot && heartbeat.seq <= said.seq) return
    this.#said = heartbeat
    const silentMs = this.#nowMs - this.#heardMs
    this.#heardMs = this.#nowMs
    this.#probing = false
    const { suspicionMs } = this.#record.header.policy.timing
    if (said === null) this.#say('peer-heard', `${peer} is heard`, 'good')
    else if (silentMs > suspicionMs) {
      this.#say('peer-heard', `${peer} is heard again, after ${ms(silentMs)}`, 'good')
    }
    if (said !== null && said.boot !== heartbeat.boot) {
      this.#say('peer-started', `the agent of ${peer} was started anew`, 'warn')
    }
    if (said?.role !== heartbeat.role) {
      const { role, term } = heartbeat
      const change = said === null ? role : `${said.role} -> ${role}`
      this.#say('peer-role', `${peer} says: ${change}, term ${term}`)
    }
    this.#words(said, heartbeat)
  }

  #words(said: Heartbeat | null, now: Heartbeat): void {
    const peer = this.#peer
    const told = (
      key: 'hears' | 'majority' | 'healthy' | 'maintenance',
      usual: boolean,
    ): boolean => (said === null ? now[key] !== usual : said[key] !== now[key])
    if (told('hears', true)) {
      const sentence = `${peer} says that it ${now.hears ? 'hears us' : 'does not hear us'}`
      this.#say('peer-hears', sentence, now.hears ? 'good' : 'warn')
    }
    if (told('majority', true)) {
      const reaches = now.majority ? 'reaches most ping nodes' : 'does not reach most ping nodes'
      this.#say('peer-majority', `${peer} says that it ${reaches}`, now.majority ? 'good' : 'warn')
    }
    if (told('healthy', true)) {
      const sentence = `${peer} says that it is ${now.healthy ? 'fit' : 'not fit'} to serve`
      this.#say('peer-health', sentence, now.healthy ? 'good' : 'warn')
    }
    if (told('maintenance', false)) {
      this.#say(
        'peer-maintenance',
        `${peer} says that its maintenance ${now.maintenance ? 'began' : 'ended'}`,
      )
    }
    if (now.grant && said?.grant !== true && !this.#now.armed) {
      this.#say('grant', `${peer} grants the lease: it promises to stand back`, 'good')
    }
  }

  #effect({ effect, refused, atMs }: EffectEntry): void {
    switch (effect.type) {
      case 'probe':
        if (!this.#probing)
          this.#say('probes', 'probes begin: does anybody answer for the floating IPs?')
        this.#probing = true
        return
      case 'open':
        if (refused) {
          this.#say('open', 'the gate did not open', 'bad')
          return
        }
        this.#open = true
        this.#say(
          'open',
          `the gate is open, at first for ${ms(effect.deadlineMs - this.#nowMs)}: this node serves`,
          'good',
          atMs ?? this.#nowMs,
        )
        return
      case 'extend':
        if (refused) {
          this.#say('extend', 'the gate was not kept open', 'bad')
          return
        }
        this.#renewed = { count: this.#renewed.count + 1, atMs: this.#nowMs }
        return
      case 'persist':
        // A standby writes its next term in advance; nothing waits for that.
        if (this.#now.role === 'standby' || this.#now.role === 'demoting') return
        this.#writing.set(effect.ticket, { term: effect.term, atMs: this.#nowMs })
        this.#say('persist', `term ${effect.term} goes to disk`)
        return
      case 'close':
        this.#shut(atMs ?? this.#nowMs)
        return
      case 'occupy':
        if (effect.first || refused === this.#occupied) this.#occupy(refused)
        return
      default:
        this.#order(effect, atMs, refused)
        return
    }
  }

  #shut(atMs: number): void {
    if (this.#open) this.#say('close', 'the gate is shut', 'bad', atMs)
    else if (this.#occupied) {
      this.#say('leave', 'the claim to the floating IPs is given back', 'plain', atMs)
    }
    this.#open = false
    this.#occupied = false
  }

  #occupy(refused: boolean): void {
    if (refused) {
      if (!this.#asked) this.#say('occupy', 'the floating IPs are asked for, to be claimed')
      this.#asked = true
      return
    }
    this.#asked = false
    this.#occupied = true
    this.#say('occupy', 'this node claims the floating IPs, behind its gate that is still shut')
  }

  /** What is only done now and then. */
  #order(effect: Effect, atMs: number | null, refused: boolean): void {
    const { policy, stores } = this.#record.header
    const sentence = orderSentence(effect, {
      stores: stores.length > 0,
      together: policy.data.takeover !== 'none',
    })
    if (sentence === null) return
    const said = refused ? `${sentence}: not yet` : sentence
    this.#say(effect.type, said, 'plain', atMs ?? this.#nowMs)
  }

  /** At the end of serving: how often the right was renewed, and when last. */
  #renewals(): string {
    const { count, atMs } = this.#renewed
    this.#renewed = { count: 0, atMs: 0 }
    if (count === 0) return ''
    return ` (the lease was renewed ${count} times, for the last time ${ms(this.#nowMs - atMs)} before)`
  }

  #mark({ atMs, mark, value }: MarkEntry): void {
    switch (mark) {
      case 'late':
        if (value < this.#record.header.policy.timing.gapMs) return
        this.#say(
          'pause',
          `from here on this agent stood still for ${ms(value)}: a pause of the machine, or too much load`,
          'bad',
          atMs - value,
        )
        return
      case 'stalled':
        if (value === 1) {
          this.#say('stalled', 'the agent makes no progress: it renews nothing', 'bad', atMs)
          return
        }
        this.#say('stalled', 'the agent makes progress again', 'good', atMs)
        return
      case 'addresses': {
        if (this.#present === (value === 1)) return
        this.#present = value === 1
        const where = value === 1 ? 'on their interfaces' : 'off their interfaces'
        this.#say('addresses', `the floating IPs are ${where}`, 'plain', atMs)
        return
      }
      case 'announced':
        if (!this.#announced) this.#say('announced', 'the floating IPs are announced', 'good', atMs)
        this.#announced = true
        return
      case 'stopped':
        this.#say('stopped', 'the agent ends: gate shut, floating IPs off', 'bad', atMs)
        return
    }
  }
}

/** Null for what repeats and says nothing by itself. */
function orderSentence(effect: Effect, has: { stores: boolean; together: boolean }): string | null {
  switch (effect.type) {
    case 'promote':
      return has.stores ? 'the stores are told to take writes' : null
    case 'demote':
      return has.stores ? 'the stores are told to take no more writes' : null
    case 'freeze':
      return has.stores
        ? 'a switchover is prepared: the stores are to stand still'
        : 'a switchover is prepared'
    case 'unfreeze':
      return has.stores ? 'the stores are given free again' : null
    case 'fence':
      return 'the peer is to be switched off'
    case 'set-aside':
      return 'what only this node holds is to be set aside'
    case 'confirm':
      if (!has.together) return null
      return effect.alone
        ? 'writes are confirmed without the peer from now on'
        : 'writes are confirmed when the peer has them'
    default:
      return null
  }
}
