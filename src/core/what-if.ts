/**
 * What would happen now, if? One line per fault an operator fears, with the bound of PROTOCOL
 * ("Bounds") for the configured times, or with what would leave nobody serving.
 *
 * Reads what this node knows of both nodes at this moment; what it cannot know (a fault of the peer
 * that was not told yet, a second fault at the same time) it leaves out. The sentences
 * are in what-if-sentence.ts.
 */
import { dataMayServe } from './fitness.ts'
import { agreesWithPeer } from './peer.ts'
import { type NodeName, type Policy, peerOf } from './policy.ts'
import { hasMajority, isMajority, score } from './reachability.ts'
import { dampingMs } from './switchover.ts'
import { hearsPeer, type Turn } from './turn.ts'
import { SAY } from './what-if-sentence.ts'

/** One fault and its outcome. */
export interface If {
  /** A clause: "the machine of sp1 dies". */
  fault: string
  /** A clause: "sp2 takes over". */
  outcome: string
  /** Someone serves at the latest after this; 0: service is not interrupted; null: no bound. */
  boundMs: number | null
}

type Outcome = Omit<If, 'fault'>

/** What this node knows of one of the two. */
interface Known {
  name: NodeName
  /** Heard within S; always so for this node. */
  heard: boolean
  active: boolean
  healthy: boolean
  maintenance: boolean
  majority: boolean
  /** Ping nodes it reaches. */
  score: number
  /** Its data may serve without the other's word. */
  dataServes: boolean
  sole: boolean
}

interface Pair {
  turn: Turn
  policy: Policy
  us: Known
  peer: Known
  alike: boolean
  /** Each hears the other. */
  talk: boolean
}

/** Every line, in the order in which an operator reads them. */
export function whatIfs(turn: Turn): If[] {
  const pair = lookAt(turn)
  const { us, peer } = pair
  const line = (fault: string, outcome: Outcome): If => ({ fault, ...outcome })
  return [
    line(SAY.machineDies(peer.name), machineDies(pair, peer, us)),
    line(SAY.agentFreezes(peer.name), agentFreezes(pair, peer, us)),
    line(SAY.crosslinkCut, crosslinkCut(pair)),
    line(SAY.lanCut(us.name), lanCut(pair)),
    line(SAY.pingNodeDies, pingNodesDie(pair, 1)),
    line(SAY.pingNodesDie, pingNodesDie(pair, pair.policy.pingNodeCount)),
    line(SAY.machineDies(us.name), machineDies(pair, us, peer)),
    line(SAY.bothReboot, bothReboot(pair)),
  ]
}

function lookAt(turn: Turn): Pair {
  const { s, policy } = turn
  const heard = s.peer !== null && hearsPeer(turn)
  const keepsData = policy.data.takeover !== 'none'
  const us: Known = {
    name: policy.node,
    heard: true,
    active: s.role === 'active' && s.armed,
    healthy: s.healthy,
    maintenance: s.maintenance,
    majority: hasMajority(turn),
    score: score(turn),
    dataServes: dataMayServe(turn),
    sole: s.sole,
  }
  const peer: Known = {
    name: peerOf(policy.node),
    heard,
    active: heard && s.peer?.role === 'active',
    healthy: s.peer?.healthy ?? true,
    maintenance: s.peer?.maintenance ?? false,
    majority: heard && s.peer?.majority === true,
    score: heard ? (s.peer?.score ?? 0) : 0,
    dataServes: !keepsData || s.peer?.inSync === true || s.peer?.sole === true,
    sole: s.peer?.sole ?? false,
  }
  const talk = heard && s.peer?.hears === true
  return { turn, policy, us, peer, alike: agreesWithPeer(turn), talk }
}

/** `dead` is gone with its gate; what does `left` do? */
function machineDies(pair: Pair, dead: Known, left: Known): Outcome {
  const { timing, mode } = pair.policy
  if (!dead.heard) return { outcome: SAY.silentAlready(dead.name), boundMs: null }
  if (!left.heard) return { outcome: SAY.unknown(left.name), boundMs: null }
  if (left.active) return goesOn(pair, left)
  switch (mode) {
    case 'ping':
      return takesOver(pair, left, timing.takeoverSilenceMs + 3 * timing.heartbeatMs)
    case 'witness':
      return takesOver(pair, left, timing.leaseMs + timing.marginMs + 3 * timing.heartbeatMs)
    case 'fence':
      return fences(pair, left)
  }
}

/** `frozen` no longer runs, but its kernel does: the gate stays open until the lease is over. */
function agentFreezes(pair: Pair, frozen: Known, left: Known): Outcome {
  const { timing, mode } = pair.policy
  if (mode !== 'ping' || !frozen.heard || !frozen.active) return machineDies(pair, frozen, left)
  return takesOver(pair, left, 2 * timing.leaseMs + timing.marginMs + 6 * timing.heartbeatMs)
}

/** The active without its standby: R2 in `ping`, R3 in `witness`, R4 in `fence`. */
function goesOn(pair: Pair, active: Known): Outcome {
  const { mode } = pair.policy
  const holds = mode === 'fence' || (mode === 'ping' ? active.majority : active.score > 0)
  if (holds) return { outcome: SAY.nothingMoves(active.name), boundMs: 0 }
  const why = SAY.noMajority(active.name)
  return { outcome: SAY.stops(active.name, runsOutMs(pair), why), boundMs: null }
}

/** The right of an active ends this long after the last thing that could renew it is gone. */
function runsOutMs(pair: Pair): number {
  const { mode, timing } = pair.policy
  return timing.leaseMs + (mode === 'witness' ? timing.dampingMs : 0)
}

function takesOver(pair: Pair, one: Known, boundMs: number): Outcome {
  const { data, timing } = pair.policy
  const never = lastingObstacle(pair, one)
  if (never !== null) return { outcome: SAY.nobody(never), boundMs: null }
  const passing = passingObstacle(one)
  if (passing === null) return { outcome: SAY.takesOver(one.name), boundMs }
  // The address is occupied only once the wait is over; then a pair of rounds must follow.
  const waitedMs = Math.max(data.staleWaitMs, timing.takeoverSilenceMs) + 6 * timing.heartbeatMs
  return { outcome: SAY.takesOverLate(one.name, passing), boundMs: waitedMs }
}

function fences(pair: Pair, one: Known): Outcome {
  const { leaseMs, takeoverSilenceMs, heartbeatMs } = pair.policy.timing
  const patienceMs = takeoverSilenceMs + 3 * heartbeatMs + (one.name === 'sp2' ? 2 * leaseMs : 0)
  const { outcome, boundMs } = takesOver(pair, one, patienceMs)
  if (boundMs !== patienceMs) return { outcome, boundMs }
  return { outcome: SAY.fences(one.name, patienceMs), boundMs: null }
}

/** What keeps a node from taking over however long it waits. */
function lastingObstacle(pair: Pair, one: Known): string | null {
  const { data, mode } = pair.policy
  if (one.maintenance) return SAY.inMaintenance(one.name)
  if (!pair.alike) return SAY.notAlike
  if (!one.dataServes && data.stale === 'refuse') return SAY.mayLackData(one.name)
  if (!one.majority) return SAY.noMajority(one.name)
  return mode === 'witness' || one.heard ? null : SAY.unknownOf(one.name)
}

/** What only makes it wait. */
function passingObstacle(one: Known): string | null {
  if (!one.healthy) return SAY.unhealthy(one.name)
  return one.dataServes ? null : SAY.mayLackData(one.name)
}

function crosslinkCut(pair: Pair): Outcome {
  const { us, peer, turn, policy } = pair
  if (!peer.heard) return { outcome: SAY.silentAlready(peer.name), boundMs: null }
  const lanCarries = us.score > 0 && peer.score > 0
  if (policy.pingNodeCount === 0 || lanCarries) {
    const direct = turn.now - turn.s.lastDirectMs <= policy.timing.suspicionMs
    return { outcome: direct ? SAY.lanCarries : SAY.reflectionCarries, boundMs: 0 }
  }
  // Who reaches no ping node may have lost its LAN: then the crosslink is the only path.
  const active = us.active ? us : peer
  const other = us.active ? peer : us
  if (active.majority) return goesOn(pair, active)
  const { outcome, boundMs } = machineDies(pair, { ...active, active: true }, other)
  return { outcome: SAY.onlyPath(outcome), boundMs }
}

/** The LAN of this node; the crosslink works. */
function lanCut(pair: Pair): Outcome {
  const { us, peer, policy, turn } = pair
  const { timing } = policy
  if (!us.active) {
    return peer.active
      ? { outcome: SAY.noTakeoverMeanwhile(peer.name, us.name), boundMs: 0 }
      : { outcome: SAY.nobodyNow, boundMs: null }
  }
  if (!pair.talk) {
    if (policy.mode === 'fence') return { outcome: SAY.nothingMoves(us.name), boundMs: 0 }
    return { outcome: SAY.stops(us.name, runsOutMs(pair), SAY.isSilent(peer.name)), boundMs: null }
  }
  const able = pair.turn.s.peer?.able === true
  const why = !pair.alike
    ? SAY.notAlike
    : !able
      ? SAY.notAble(peer.name)
      : peer.score === 0
        ? SAY.reachesNothing(peer.name)
        : null
  if (why !== null) return { outcome: SAY.staysCutOff(us.name, why), boundMs: null }
  if (!peer.dataServes) return { outcome: SAY.waitsForData(us.name, peer.name), boundMs: null }
  return { outcome: SAY.handsOver(peer.name), boundMs: dampingMs(turn) + 4 * timing.heartbeatMs }
}

/** So many ping nodes die, of those that answer. */
function pingNodesDie(pair: Pair, count: number): Outcome {
  const { us, peer, policy } = pair
  const active = us.active ? us : peer.active ? peer : null
  if (active === null) return { outcome: SAY.nobodyNow, boundMs: null }
  if (policy.mode === 'fence') return { outcome: SAY.nothingMoves(active.name), boundMs: 0 }
  const left = Math.max(0, Math.min(us.score, peer.heard ? peer.score : us.score) - count)
  const enough = isMajority(2 ** left - 1, policy)
  if (enough) return { outcome: SAY.nothingMoves(active.name), boundMs: 0 }
  if (pair.talk) return { outcome: SAY.grantsCarry(active.name), boundMs: 0 }
  return {
    outcome: SAY.stops(active.name, runsOutMs(pair), SAY.noMajority(active.name)),
    boundMs: null,
  }
}

/** Memory is lost on both nodes: only the disk's word and the data count. */
function bothReboot(pair: Pair): Outcome {
  const { us, peer, policy } = pair
  const { timing, data } = policy
  if (!pair.alike) return { outcome: SAY.nobody(SAY.notAlike), boundMs: null }
  if (!peer.heard) return rebootsAlone(pair)
  const fit = [us, peer].filter((one) => one.healthy && !one.maintenance)
  const [first] = fit
  if (first === undefined) return { outcome: SAY.nobody(SAY.neitherAble), boundMs: null }
  // One that lacks confirmed data is not able beside one that has it.
  const other = first === us ? peer : us
  const holdsBack = fit.length === 1 && data.takeover !== 'none' && !first.dataServes
  if (holdsBack) return { outcome: SAY.nobody(SAY.hasNewerData(other.name)), boundMs: null }
  return { outcome: SAY.elects, boundMs: 4 * timing.heartbeatMs }
}

function rebootsAlone(pair: Pair): Outcome {
  const { us, peer, policy } = pair
  const { timing, data, mode } = policy
  if (mode === 'fence') return { outcome: SAY.nobody(SAY.neverHeard(peer.name)), boundMs: null }
  const dataServes = data.takeover === 'none' || us.sole
  const { outcome, boundMs } = takesOver(
    pair,
    { ...us, dataServes },
    timing.majorityStreakMs + 4 * timing.heartbeatMs,
  )
  return { outcome: SAY.ifSilentStill(peer.name, outcome), boundMs }
}
