/**
 * What happened, as somebody sees it who looks at both nodes and at the wire?
 *
 * Keeps one line per change of role, move of a gate, refusal and step of a switchover, and the
 * stretches in which each gate was open. A gate that nobody extends shuts by itself in the kernel;
 * that is noticed here as well, at its deadline. Judges nothing and never touches the nodes.
 */
import type { Effect } from '../core/effect.ts'
import type { NodeName } from '../core/policy.ts'
import type { State } from '../core/state.ts'
import type { SimNode } from './node.ts'
import type { Checker, World } from './world.ts'

/** A stretch of virtual time in milliseconds. */
export interface Span {
  fromMs: number
  /** Infinite while it lasts. */
  untilMs: number
}

export interface Entry {
  atMs: number
  /** Who did it; null for what was done to the pair. */
  node: NodeName | null
  text: string
}

/** A change of role of one node. */
export interface RoleChange {
  atMs: number
  node: NodeName
  to: string
}

const NAMES = ['sp1', 'sp2'] as const
/** A gate is looked at this long after its deadline; moments are rounded when nodes convert them. */
const AFTER_DEADLINE_MS = 1e-6

/** One line: when, who, what. Milliseconds count from `zeroMs`. */
export function toldEntry(entry: Entry, zeroMs: number): string {
  const at = `${Math.round(entry.atMs - zeroMs)} ms`.padStart(9)
  return `${at}  ${(entry.node ?? '').padEnd(3)}  ${entry.text}`
}

export class Chronicle implements Checker {
  readonly entries: Entry[] = []
  readonly openSpans: Record<NodeName, Span[]> = { sp1: [], sp2: [] }
  readonly roleChanges: RoleChange[] = []
  readonly #world: World

  /** Looks on from now, beside who looks on already; nodes must not have been started yet. */
  constructor(world: World) {
    this.#world = world
    world.checkers.push(this)
    for (const name of NAMES) {
      const other = world.nodes[name].observer
      world.nodes[name].observer = {
        stepped: (before, event, after) => {
          other?.stepped(before, event, after)
          this.#stepped(name, before, after)
        },
        carriedOut: (effect, refused) => {
          other?.carriedOut(effect, refused)
          this.#carriedOut(name, effect, refused)
        },
      }
    }
  }

  note(node: NodeName | null, text: string): void {
    this.entries.push({ atMs: this.#world.timeline.nowMs, node, text })
  }

  /** A gate was told something, or the machine it lives on changed. */
  gateMoved(node: SimNode): void {
    this.#lookAt(node, 'gate closes')
  }

  #lookAt(node: SimNode, closing: string): void {
    const { timeline } = this.#world
    const spans = this.openSpans[node.name]
    const last = spans.at(-1)
    const wasOpen = last !== undefined && last.untilMs === Number.POSITIVE_INFINITY
    const untilMs = node.servesUntil()
    const open = untilMs > timeline.nowMs
    if (open) {
      timeline.after(untilMs - timeline.nowMs + AFTER_DEADLINE_MS, () =>
        this.#lookAt(node, 'gate runs out'),
      )
    }
    if (open && !wasOpen) {
      spans.push({ fromMs: timeline.nowMs, untilMs: Number.POSITIVE_INFINITY })
      this.note(node.name, `gate opens, term ${node.loop?.state.term ?? 'unknown'}`)
    } else if (!open && wasOpen) {
      last.untilMs = timeline.nowMs
      this.note(node.name, closing)
    }
  }

  #stepped(node: NodeName, before: Readonly<State>, after: Readonly<State>): void {
    if (before.role === after.role) return
    this.note(node, `${before.role} -> ${after.role}: ${after.reason}`)
    this.roleChanges.push({ atMs: this.#world.timeline.nowMs, node, to: after.role })
  }

  #carriedOut(node: NodeName, effect: Effect, refused: boolean): void {
    if (refused) {
      this.note(node, `gate refuses: ${effect.type}`)
      return
    }
    switch (effect.type) {
      case 'freeze': {
        const reason = this.#world.nodes[node].loop?.state.preparation?.reason
        this.note(node, `freezes writes: ${reason ?? 'no reason'}`)
        return
      }
      case 'unfreeze':
        this.note(node, 'unfreezes writes')
        return
      case 'fence':
        this.note(node, 'fences the peer')
        return
      case 'set-aside':
        this.note(node, 'sets aside what the peer never saw')
        return
      default:
    }
  }

  /** Opens of one gate at or after a moment, in virtual time. */
  opensAfter(node: NodeName, fromMs: number): number[] {
    return this.openSpans[node].filter((span) => span.fromMs >= fromMs).map((span) => span.fromMs)
  }

  /** Stretches between two moments in which no gate was open. */
  outages(fromMs: number, untilMs: number): Span[] {
    const open = NAMES.flatMap((name) => this.openSpans[name]).sort((a, b) => a.fromMs - b.fromMs)
    const spans: Span[] = []
    let servedUntilMs = fromMs
    for (const span of open) {
      if (span.untilMs <= fromMs || span.fromMs >= untilMs) continue
      if (span.fromMs > servedUntilMs) spans.push({ fromMs: servedUntilMs, untilMs: span.fromMs })
      servedUntilMs = Math.max(servedUntilMs, span.untilMs)
    }
    if (servedUntilMs < untilMs) spans.push({ fromMs: servedUntilMs, untilMs })
    return spans
  }

  /** Milliseconds in which both gates were open. */
  dualMs(untilMs: number): number {
    let sum = 0
    for (const one of this.openSpans.sp1) {
      for (const two of this.openSpans.sp2) {
        const fromMs = Math.max(one.fromMs, two.fromMs)
        sum += Math.max(0, Math.min(one.untilMs, two.untilMs, untilMs) - fromMs)
      }
    }
    return sum
  }
}
