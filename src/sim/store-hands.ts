/**
 * What does an agent know of its server, and what does it do to it? The stores thread of the pretend agent.
 *
 * Looks every now and then and tells the core what store-word.ts makes of it, carries out what the core
 * orders, a little later, and has a server that came back follow the peer's. What must outlive the agent,
 * who served last, is kept here as on its disk.
 *
 * @source  daemon/store-keeper.ts, store-confirm.ts, store-lag.ts, last-served.ts,
 *          store-rejoin.ts; times as measured or configured there
 */
import { endedAt } from '../core/ended-store.ts'
import type { Heartbeat, Position } from '../core/heartbeat.ts'
import { isProvenActive } from '../core/peer.ts'
import type { ServedLast, SimNode } from './node.ts'
import type { Random } from './random.ts'
import { ServedDisk } from './served-disk.ts'
import type { ServerLook, StoreServer } from './store-server.ts'
import { StoreWord } from './store-word.ts'
import type { Timeline } from './timeline.ts'

const LOOK_MS = 250
const LOOK_LATEST_MS = 1_000
/** A look may take this long; most take a millisecond. */
const LOOK_TAKES_MAX_MS = 300
const AGAIN_MS = 250
/** The longest trial to make a hung server read-only; then it is ended. */
const DEMOTE_LIMIT_MS = 2_000
const SICK_TRY_MS = 500
/** How far the peer's word may lag behind ours, for "the peer's copy followed". */
const FOLLOWED_LATE_MS = 2_000
/** A server that was ended is up again after this long. */
const BOOT_MIN_MS = 800
const BOOT_MAX_MS = 4_000

/** What lies around: the servers of both nodes, and whether they reach each other. */
export interface HandsOptions {
  timeline: Timeline
  random: Random
  node: SimNode
  server: StoreServer
  peer: StoreServer
  carries: () => boolean
  /** A node that may lack what the peer confirmed says so after a start (D-026). */
  saysBehind: boolean
  note: (text: string) => void
  /** This heartbeat of the peer says that its server takes writes. */
  peerTakesWrites: (word: Heartbeat) => boolean
}

/** What is heard of the peer: nothing. */
const NOBODY = { heard: false, serves: false, proven: false, takesWrites: false }

export class StoreHands {
  readonly #options: HandsOptions
  #life = 0
  #wanted: 'writable' | 'read-only' = 'read-only'
  #ordered = false
  #order = 0
  #promoted = false
  #freeze = 0
  #frozen = false
  #soleAtFreeze = false
  #confirm: { number: number; alone: boolean } | null = null
  #confirmNumber = 0
  #word = new StoreWord()
  #linking = false
  #peer = NOBODY
  /** Our heartbeats say so from this number of this start on. */
  #promotedFrom: { boot: string; seq: number } | null = null
  #following = false
  #lagging = false
  #sick = false
  #behind = false
  #followed: { wellMs: number; followedMs: number | null } | null = null
  readonly #served: ServedDisk

  constructor(options: HandsOptions) {
    this.#options = options
    const later = (delayMs: number, act: () => void): void => this.#later(delayMs, act)
    this.#served = new ServedDisk({ ...options, later })
  }

  /** Its stores let this node serve. */
  get fit(): boolean {
    return !this.#lagging && !this.#sick
  }

  /** @param word  a heartbeat of ours */
  toldPromoted({ boot, seq }: Heartbeat): boolean {
    const from = this.#promotedFrom
    return from !== null && from.boot === boot && seq >= from.seq
  }

  /** The agent starts. */
  started(): ServedLast {
    const { server, timeline, random, saysBehind } = this.#options
    this.#life += 1
    this.#wanted = 'read-only'
    this.#ordered = false
    this.#promoted = false
    this.#frozen = false
    this.#confirm = null
    this.#word = new StoreWord()
    this.#linking = false
    this.#peer = NOBODY
    this.#promotedFrom = null
    this.#following = false
    this.#lagging = false
    this.#sick = false
    this.#followed = null
    const served = this.#served.read()
    this.#behind = saysBehind && served.behind
    if (!server.up) this.#boot()
    const life = this.#life
    timeline.after(random.between(2, LOOK_MS), () => this.#lookAgain(life))
    return { ...served, behind: this.#behind }
  }

  /** The agent is gone; a helper makes read-only what still takes writes (D-019). */
  agentGone(): void {
    const { timeline, random, server, node } = this.#options
    this.#life += 1
    const life = this.#life
    timeline.after(random.spread(30, 500), () => {
      if (this.#life !== life || node.running || !server.up) return
      if (server.hang !== 'no') server.crash()
      else if (server.writable) server.demote()
    })
  }

  /** Whatever had been written is on disk. The server comes back with the machine. */
  machineGone(): void {
    this.agentGone()
    this.#options.server.crash()
  }

  diskGone(): void {
    this.#served.lose()
  }

  #boot(): void {
    const { timeline, random, server } = this.#options
    timeline.after(random.spread(BOOT_MIN_MS, BOOT_MAX_MS), () => {
      server.up = true
    })
  }

  #endServer(): void {
    this.#options.note('the server is ended')
    this.#options.server.crash()
    this.#boot()
  }

  /** What an agent that is stopped was about to do is done when it goes on. */
  #later(delayMs: number, act: () => void): void {
    const life = this.#life
    const { timeline, node } = this.#options
    const due = (): void => {
      if (this.#life !== life) return
      if (node.stopped) timeline.after(5, due)
      else act()
    }
    timeline.after(delayMs, due)
  }

  // Orders of the core.

  promote(): void {
    const { node } = this.#options
    this.#order += 1
    this.#wanted = 'writable'
    this.#frozen = false
    this.#setLag(false)
    const order = this.#order
    this.#served.write('us', node.loop?.state.term ?? 0)
    this.#endBehind()
    this.#later(this.#options.random.spread(1, 60), () => this.#promoteOnce(order))
  }

  #promoteOnce(order: number): void {
    const { server } = this.#options
    if (order !== this.#order) return
    if (!server.answers) {
      this.#later(AGAIN_MS, () => this.#promoteOnce(order))
      return
    }
    server.promote(this.#confirm?.alone === false)
    if (this.#promoted) return
    this.#promoted = true
    const { node } = this.#options
    this.#later(this.#served.leftMs, () => {
      const state = node.loop?.state
      if (order !== this.#order || state === undefined) return
      this.#promotedFrom = { boot: state.boot, seq: state.seq + 1 }
    })
  }

  demote(): void {
    const { node, random, server } = this.#options
    this.#promoted = false
    this.#promotedFrom = null
    if (this.#peer.serves) this.#served.write('peer', 0)
    this.#followed = null
    this.#confirmNumber += 1
    this.#confirm = null
    this.#order += 1
    this.#wanted = 'read-only'
    this.#frozen = false
    const order = this.#order
    const atStart = !this.#ordered
    this.#ordered = true
    const hangs = server.up && server.hang !== 'no'
    const takesMs = random.between(0, node.manners.demoteMs) + (hangs ? DEMOTE_LIMIT_MS : 0)
    this.#later(takesMs, () => {
      if (order !== this.#order) return
      const goesOn = atStart && server.answers && !server.writable && server.following
      if (server.up && !goesOn) {
        if (server.answers) server.demote()
        else this.#endServer()
      }
      node.take({ type: 'demoted' })
    })
  }

  confirm(alone: boolean): void {
    this.#confirmNumber += 1
    this.#confirm = { number: this.#confirmNumber, alone }
    if (alone) this.#word.alone()
    this.#later(this.#options.random.spread(0.5, 60), () => this.#confirmOnce())
  }

  #confirmOnce(): void {
    const { server } = this.#options
    if (this.#confirm === null) return
    const { alone, number } = this.#confirm
    if (!server.answers) {
      this.#later(AGAIN_MS, () => {
        if (this.#confirm?.number === number) this.#confirmOnce()
      })
    } else if (alone) server.orderAlone()
    else if (server.writable) server.orderTogether()
  }

  freeze(): void {
    this.#freeze += 1
    this.#frozen = true
    this.#soleAtFreeze = this.#options.node.loop?.state.sole === true
    const round = this.#freeze
    const order = this.#order
    const { timeline, node, random } = this.#options
    const untilMs = timeline.nowMs + node.policy.timing.prepareMs
    this.#later(random.spread(0.3, 20), () => this.#freezeOn(round, order, untilMs))
  }

  #freezeOn(round: number, order: number, untilMs: number): void {
    const { server, peer, node, timeline, carries } = this.#options
    if (round !== this.#freeze || order !== this.#order) return
    if (!server.answers && this.#sick) {
      this.#later(SICK_TRY_MS, () => this.#freezeSick(round, order))
      return
    }
    if (timeline.nowMs >= untilMs) {
      this.unfreeze()
      return
    }
    // One thing after the other: what is still to be promoted is frozen after that.
    if (server.answers && this.#promoted && server.writable) {
      server.held = true
      const reached = peer.answers && carries() && peer.applied >= server.applied
      if (server.waiting === 0 && reached) {
        node.take({ type: 'frozen', position: this.#written(server.applied) })
        return
      }
    }
    this.#later(3, () => this.#freezeOn(round, order, untilMs))
  }

  /** A server that does not do its work is ended, if the peer's copy followed as long as it did. */
  #freezeSick(round: number, order: number): void {
    const { server, peer, node } = this.#options
    const state = node.loop?.state
    const isOver = round !== this.#freeze || order !== this.#order
    if (isOver || server.answers || state === undefined) return
    const { wellMs, followedMs } = this.#followed ?? { wellMs: 0, followedMs: 0 }
    if (this.#soleAtFreeze || followedMs === null || wellMs - followedMs > FOLLOWED_LATE_MS) {
      this.unfreeze()
      return
    }
    this.#endServer()
    // The peer says so with a look of its own, that began after the end.
    const applied = peer.answers && peer.applied === peer.log.length
    node.take({ type: 'frozen', position: this.#written(endedAt(state, applied)) })
  }

  #written(offset: number): Position {
    return { term: this.#options.node.loop?.state.position.term ?? 0, offset }
  }

  unfreeze(): void {
    this.#freeze += 1
    if (this.#wanted === 'read-only') return
    this.#frozen = false
    const { server } = this.#options
    const freeze = this.#freeze
    this.#later(this.#options.random.spread(0.3, 10), () => {
      if (freeze === this.#freeze) server.held = false
    })
  }

  // What is heard of the peer.

  /** To be told now and then: whether there is somebody to follow. */
  noteState(): void {
    const { node } = this.#options
    const state = node.loop?.state
    if (state === undefined || node.stopped) return
    const { peer } = state
    const heard = node.now() - state.lastHeardMs <= node.policy.timing.suspicionMs
    const serves = heard && peer?.role === 'active'
    const proven = serves && isProvenActive(state, node.policy, node.now())
    const takesWrites = serves && peer !== null && this.#options.peerTakesWrites(peer)
    if (this.#word.wantsLook(state)) this.#look()
    const before = this.#peer
    this.#peer = { heard, serves, proven, takesWrites }
    const standby = this.#wanted === 'read-only'
    if (!heard) this.#setLag(false)
    else if (takesWrites && !before.takesWrites && standby) this.#setLag(!this.#following)
    if (serves && !before.serves && standby) this.#served.write('peer', 0)
  }

  #setLag(lagging: boolean): void {
    if (this.#lagging === lagging) return
    this.#lagging = lagging
    this.#options.node.tellHealth()
  }

  #tellSick(): void {
    if (this.#sick === this.#word.sick) return
    this.#sick = this.#word.sick
    this.#options.node.tellHealth()
  }

  #endBehind(): void {
    if (!this.#behind) return
    this.#behind = false
    this.#options.node.take({ type: 'behind', behind: false })
  }

  // Looks.

  #lookAgain(life: number): void {
    if (life !== this.#life) return
    const { random } = this.#options
    this.#look()
    const late = random.chance(0.2) ? random.between(LOOK_MS, LOOK_LATEST_MS) : LOOK_MS
    this.#later(late, () => this.#lookAgain(life))
  }

  #look(): void {
    const { server, random } = this.#options
    const found = server.look()
    const takesMs = random.spread(0.3, random.chance(0.1) ? LOOK_TAKES_MAX_MS : 5)
    this.#later(takesMs, () => this.#looked(found))
  }

  #looked(found: ServerLook | null): void {
    const { node, timeline } = this.#options
    const state = node.loop?.state
    if (state === undefined) return
    const number = this.#confirmNumber
    for (const news of this.#word.looked(found, state, timeline.nowMs)) {
      // What is taken first may lead to an order, and a look from before is no word for after.
      if (news.type !== 'confirms' || number === this.#confirmNumber) node.take(news)
    }
    this.#tellSick()
    if (found !== null) this.#act(found)
  }

  /** What follows from a look, besides what the core is told. */
  #act({ writable, following, backlog }: ServerLook): void {
    const { server, peer, timeline } = this.#options
    if (this.#promoted) {
      const { nowMs } = timeline
      const before = this.#followed?.followedMs ?? null
      this.#followed = { wellMs: nowMs, followedMs: peer.following ? nowMs : before }
    }
    this.#following = following
    if (this.#peer.proven && following && backlog === 0) this.#endBehind()
    if (following && this.#peer.serves) this.#setLag(false)
    if (writable && this.#wanted === 'read-only') {
      const order = this.#order
      this.#later(1, () => {
        if (order === this.#order && server.answers && server.writable) server.demote()
      })
    } else if (!writable && this.#wanted === 'writable' && this.#promoted && !this.#frozen) {
      this.#promoteOnce(this.#order)
    } else if (!writable && !following && this.#wanted === 'read-only' && this.#peer.proven) {
      this.#rejoin()
    }
  }

  /** Compares, sets aside what only this server holds, and links it. */
  #rejoin(): void {
    const { server, peer, random, carries, note } = this.#options
    if (this.#linking) return
    this.#linking = true
    const order = this.#order
    this.#later(random.spread(5, 400), () => {
      this.#linking = false
      const ours = order === this.#order && server.answers && !server.writable
      if (!ours || !this.#peer.proven || server.following) return
      if (!peer.answers || !carries()) return
      server.link(peer)
      note('the server follows the peer')
    })
  }
}
