/**
 * Which figures does the README promise of our pair, fault by fault?
 *
 * `demand.ts` holds one run against PROTOCOL; these hold for many runs together. Definitions only:
 * `verdict.ts` says how runs are held against them, and what is forgiven.
 */
import { NOISE_MS } from './demand.ts'
import type { TimingProfileName } from './platform-files.ts'

/** Limits for one stretch of a run. What is not named is not limited, but for two nodes serving. */
export interface Limits {
  medianMs?: number
  maxMs?: number
  /** From the fault to the peer's first answer. */
  peerServesMs?: number
  /** The old active answers nobody any more once its lease (L) is over. */
  oldWithinLease?: true
  addressGoneMs?: number
  moves?: number
  lost?: number
  /** By the agents' own word: nobody becomes active, no lease ends. */
  steady?: true
}

export interface Requirement {
  title: string
  fault: string
  profile: TimingProfileName
  /** For people; the limits say the same. */
  required: string
  during?: Limits
  mended?: Limits
}

const CALM: Limits = { maxMs: NOISE_MS, moves: 0 }
const STEADY: Limits = { ...CALM, steady: true }
const WHOLE: Limits = { ...STEADY, lost: 0 }
const LOST_AGENT: Limits = {
  peerServesMs: 500,
  oldWithinLease: true,
  addressGoneMs: 2500,
  moves: 1,
}

export const REQUIREMENTS: readonly Requirement[] = [
  {
    title: 'power cut of the active',
    fault: 'power-cut',
    profile: 'fast',
    required: 'median 280 ms, max 450 ms',
    during: { medianMs: 280, maxMs: 450, moves: 1 },
  },
  {
    title: 'power cut of the active, `default`',
    fault: 'power-cut',
    profile: 'default',
    required: 'max 1.6 s',
    during: { maxMs: 1600, moves: 1 },
  },
  {
    title: 'the dead node joins again',
    fault: 'power-cut',
    profile: 'fast',
    required: 'no move back, no outage over 50 ms',
    mended: CALM,
  },
  {
    title: 'planned switchover',
    fault: 'switchover',
    profile: 'fast',
    required: 'median 10 ms, max 60 ms',
    during: { medianMs: 10, maxMs: 60, moves: 1 },
  },
  {
    title: 'agent of the active killed (SIGKILL)',
    fault: 'agent-kill',
    profile: 'fast',
    required:
      'never both; old silent within its lease, address gone in 2.5 s; peer serves in 500 ms',
    during: LOST_AGENT,
    mended: CALM,
  },
  {
    title: 'agent of the active frozen for 20 s (SIGSTOP)',
    fault: 'agent-freeze',
    profile: 'fast',
    required: 'the same; then no outage over 50 ms',
    during: LOST_AGENT,
    mended: CALM,
  },
  {
    title: 'crosslink cut for 15 s',
    fault: 'crosslink-cut',
    profile: 'fast',
    required: 'no role change, no lost reply',
    during: WHOLE,
    // What the agents tell is of the whole run, and judged with the first stretch.
    mended: { ...CALM, lost: 0 },
  },
  {
    title: 'LAN of the active lost with its carrier',
    fault: 'lan-cut',
    profile: 'fast',
    required: 'peer serves in 350 ms; then no move back, no outage over 50 ms',
    during: { peerServesMs: 350, moves: 1 },
    mended: CALM,
  },
  {
    title: 'LAN of the active lost silently',
    fault: 'lan-silent',
    profile: 'fast',
    required: 'peer serves in 500 ms; then no move back, no outage over 50 ms',
    during: { peerServesMs: 500, moves: 1 },
    mended: CALM,
  },
  {
    title: 'nodes cut from each other, ARP too, ping nodes reflect',
    fault: 'partition',
    profile: 'fast',
    required: 'never both, one serves without a gap; then no outage over 50 ms',
    during: WHOLE,
    mended: CALM,
  },
  {
    title: 'nodes cut from each other, ARP passes, nothing reflects',
    fault: 'partition-arp',
    profile: 'fast',
    required: 'never both, one serves without a gap; then no outage over 50 ms',
    during: WHOLE,
    mended: CALM,
  },
  ...[
    ['8 busy loops', 'cpu-load'],
    ['10 % loss between the nodes', 'loss-10'],
    ['30 % loss between the nodes', 'loss-30'],
    ['10 % loss on everything, ping nodes too', 'loss-10-everywhere'],
  ].map(
    ([title = '', fault = '']): Requirement => ({
      title,
      fault,
      profile: 'fast',
      required: 'no role change, no lease end',
      during: { moves: 0, steady: true },
    }),
  ),
]

/** Median of our power cut over that of keepalived with adverts every 0.1 s, in one session. */
export const RATIO_MAX = 0.85
/** Idle: highest share of one processor, and memory of all that runs on a node. */
export const IDLE_LIMITS: Readonly<Record<TimingProfileName, number>> = {
  default: 0.02,
  fast: 0.06,
}
export const RESIDENT_MAX_MIB = 128
