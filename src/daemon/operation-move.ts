/**
 * How is a move of the role followed to its end, and a maintenance?
 *
 * The core decides; a refusal is told before anything is asked, from the same predicate that the core itself
 * uses. Done means that the new active serves in full: its stores take writes, its services are up and told.
 */
import type { PairConfig } from '../config/config.ts'
import type { Snapshot } from '../control/snapshot.ts'
import { readingTurn } from '../control/status.ts'
import { type NodeName, peerOf } from '../core/policy.ts'
import { BLOCKERS, type Blocker, REASONS } from '../core/reason.ts'
import { switchoverBlocker } from '../core/switchover.ts'
import { takeoverBlocker } from '../core/takeover.ts'
import { hearsPeer, type Turn } from '../core/turn.ts'
import { hazardNotes, MoveProgress } from './move-progress.ts'
import { withEarlyServices } from './operation-early.ts'
import { POLL_MS, type Refusal, type Run } from './operation-run.ts'

/** A role that just changed is waited for this long before a request is refused for it. */
const PATIENCE_MS = 3_000
/** The address is asked for on the wire within this; after it the operation is done, not verified. */
const VERIFY_WITHIN_MS = 1_500
/** The stores of the new active take writes within this, or it is said that they do not. */
const STORES_WITHIN_MS = 3_000
/** Its services are up and told within this, or the same. */
const SERVICES_WITHIN_MS = 10_000
/** A MariaDB that still ends the sessions it held takes longer than the peer to begin. */
const DEMOTED_WITHIN_MS = 1_000
/** A peer that tells of its steps begins to within this. */
const PEER_TELLS_WITHIN_MS = 1_000

/** Begins or ends the maintenance of this node. */
export async function maintain(run: Run, on: boolean): Promise<void> {
  const { ports } = run
  if (run.operation.node !== ports.config().node) {
    return run.end('refused', {
      code: 'other-node',
      sentence: 'maintenance is asked for on the node itself',
      mend: `run the command on ${run.operation.node}`,
    })
  }
  const serves = on && (await ports.snapshot()).state.role === 'active'
  if (serves) return handOver(run)
  ports.tell({ type: 'maintenance', on, force: false })
  await ports.wait(POLL_MS)
  run.step(on ? 'maintenance began' : 'maintenance ended')
  run.end('done')
}

/**
 * The maintenance of an active begins with the peer's activity. Where the peer cannot serve it is
 * refused; by force this node releases all the same, and nobody serves.
 */
async function handOver(run: Run): Promise<void> {
  const { ports } = run
  const config = ports.config()
  const peer = peerOf(config.node)
  const blocker = await obstacle(run, (now) => switchoverBlocker(readingTurn(now, config)))
  if (blocker !== null && !run.request.force) {
    const [sentence, mend] = BLOCKERS[blocker]
    return run.end('refused', {
      code: blocker,
      sentence: `this node serves and cannot hand over: ${sentence}`,
      mend: `${mend}; or accept with --force that nobody serves`,
    })
  }
  run.become('running')
  if (blocker !== null) return followRelease(run, true)
  await withEarlyServices(run, peer, () => followRelease(run, false))
}

/** @param force  whether or not anybody can take the place of this node */
async function followRelease(run: Run, force: boolean): Promise<void> {
  const { ports } = run
  const config = ports.config()
  const peer = peerOf(config.node)
  ports.tell({ type: 'maintenance', on: true, force })
  run.step(force ? 'maintenance began, by force' : `maintenance began: handing over to ${peer}`)
  const limitMs = moveLimitMs(config)
  let last = await ports.snapshot()
  const progress = new MoveProgress(last, peer)
  const reached = await run.until((now) => {
    run.moveSteps(progress, now)
    last = now
    return force ? now.state.role !== 'active' : isActive(now, peer, config.node)
  }, limitMs)
  if (!reached) {
    // A node in maintenance is not elected again: it must not stay so when nobody took its place.
    ports.tell({ type: 'maintenance', on: false, force: false })
    return run.end('failed', {
      code: 'not-moved',
      sentence: `the maintenance was ended again after ${limitMs} ms: ${progress.givenBack ?? describe(last, config.node)}`,
      mend: 'look at: tandem explain',
    })
  }
  if (!force && !(await servesInFull(run, peer, progress))) return
  run.step(
    force
      ? `released: nobody serves until ${peer} can, or the maintenance ends`
      : `${peer} is active, ${config.node} is in maintenance`,
  )
  run.end('done')
}

/** Makes `target` the active node. */
export async function move(run: Run, target: NodeName): Promise<void> {
  const { ports } = run
  const us = ports.config().node
  if ('note' in run.request && run.request.note !== undefined) {
    run.step(`asked for by ${run.request.note}`)
  }
  if (isActive(await ports.snapshot(), target, us)) {
    run.step(`${target} is active already`)
    return run.end('done')
  }
  const refused = await refusal(run, target, us)
  if (refused !== null) return run.end('refused', refused)
  run.become('running')
  await withEarlyServices(run, target, () => followMove(run, target))
}

async function followMove(run: Run, target: NodeName): Promise<void> {
  const { ports } = run
  const us = ports.config().node
  let snapshot = await ports.snapshot()
  const progress = new MoveProgress(snapshot, peerOf(us))
  for (const note of hazardNotes(snapshot)) run.step(note)
  run.step(`asked for ${target} to become active`)
  ports.tell({ type: 'ask', node: target, force: run.request.force })

  const limitMs = moveLimitMs(ports.config())
  let told = ''
  const reached = await run.until((now) => {
    run.moveSteps(progress, now)
    const words = describe(now, us)
    if (words !== told) run.step(words)
    told = words
    snapshot = now
    return isActive(now, target, us) || progress.isOver(now)
  }, limitMs)
  if (!isActive(snapshot, target, us) && progress.givenBack !== null) {
    return run.end('refused', {
      code: 'stores-not-handed-over',
      sentence: `${target} did not become active: ${progress.givenBack}`,
      mend: 'once that is out of the way, ask again; what stands in the way now: tandem explain',
    })
  }
  if (!reached) {
    return run.end('failed', {
      code: 'not-moved',
      sentence: `${target} did not become active within ${limitMs} ms; ${describe(snapshot, us)}`,
      mend: 'look at: tandem explain',
    })
  }
  run.step(`${target} is active, term ${Math.max(snapshot.state.term, snapshot.state.termHeard)}`)
  if (await servesInFull(run, target, progress)) await verify(run, target, us)
}

/** @returns false when it was not seen, and the operation has ended with that */
async function servesInFull(run: Run, target: NodeName, progress: MoveProgress): Promise<boolean> {
  if (!(await storesWritable(run, target, progress))) return false
  return await servicesUp(run, target, progress)
}

/** What is still to be told of our own stores; the move does not depend on it. */
async function oursDemoted(run: Run, progress: MoveProgress): Promise<void> {
  await run.until((now) => {
    run.moveSteps(progress, now)
    return progress.oursReadOnly(now)
  }, DEMOTED_WITHIN_MS)
}

async function servicesUp(run: Run, target: NodeName, progress: MoveProgress): Promise<boolean> {
  const { ports } = run
  const config = ports.config()
  if (config.services.length === 0) return true
  const begunMs = ports.now()
  const seen = await run.until((now) => {
    run.moveSteps(progress, now)
    const served = progress.served(now, target, config)
    const tellsNothing = served === null && ports.now() - begunMs >= PEER_TELLS_WITHIN_MS
    return served === true || tellsNothing
  }, SERVICES_WITHIN_MS)
  if (seen) return true
  run.end('done-unverified', {
    code: 'services-not-up',
    sentence: `the services of ${target} were not all seen to be up within ${SERVICES_WITHIN_MS} ms`,
    mend: `look at tandem service summary on ${target}`,
  })
  return false
}

async function storesWritable(
  run: Run,
  target: NodeName,
  progress: MoveProgress,
): Promise<boolean> {
  const config = run.ports.config()
  let last = await run.ports.snapshot()
  if (progress.writable(last, target, config) === null) return true
  const seen = await run.until((now) => {
    last = now
    run.moveSteps(progress, now)
    return progress.writable(now, target, config) === true
  }, STORES_WITHIN_MS)
  if (!seen) {
    run.end('done-unverified', {
      code: 'stores-not-writable',
      sentence: `the stores of ${target} were not seen to take writes within ${STORES_WITHIN_MS} ms`,
      mend: `look at tandem status on ${target}`,
    })
    return false
  }
  const tookMs = last.peerStoresPromotedMs
  if (target !== config.node && tookMs !== null)
    run.step(`the stores of ${target} take writes, ${Math.round(tookMs)} ms after its order`)
  if (target !== config.node) await oursDemoted(run, progress)
  return true
}

/** Only the new active can tell whether its addresses are answered on the wire. */
async function verify(run: Run, target: NodeName, us: NodeName): Promise<void> {
  if (target !== us) return run.end('done')
  const seen = await run.until(
    (now) => now.floatingIps.every(({ look }) => look === 'verified' || look === 'none'),
    VERIFY_WITHIN_MS,
  )
  const { floatingIps } = await run.ports.snapshot()
  const missing = floatingIps.filter(({ look }) => look !== 'verified' && look !== 'none')
  if (seen && missing.length === 0) {
    if (floatingIps.some(({ look }) => look === 'verified'))
      run.step('the floating IPs are answered on the wire')
    return run.end('done')
  }
  run.end('done-unverified', {
    code: 'address-not-verified',
    sentence: `no ping node answered ${missing.map((address) => address.address).join(', ')}`,
    mend: 'check that the switch and the gateway learned the new place of the address',
  })
}

/** Why the move would not happen now; waits for what passes by itself. */
async function refusal(run: Run, target: NodeName, us: NodeName): Promise<Refusal> {
  const config = run.ports.config()
  const { force } = run.request
  const blocker = await obstacle(run, (snapshot) =>
    moveBlocker(snapshot, config, { target, us, force }),
  )
  if (blocker === null) return null
  const [sentence, mend] = BLOCKERS[blocker]
  return { code: blocker, sentence, mend }
}

/** What still stands in the way when patience is over; null as soon as nothing does. */
async function obstacle(
  run: Run,
  blockerNow: (snapshot: Snapshot) => Blocker | null,
): Promise<Blocker | null> {
  const free = await run.until((snapshot) => {
    const blocker = blockerNow(snapshot)
    if (blocker !== null && run.operation.state === 'accepted') {
      run.become('waiting')
      run.step(`waiting: ${BLOCKERS[blocker][0]}`)
    }
    return blocker === null
  }, PATIENCE_MS)
  return free ? null : blockerNow(await run.ports.snapshot())
}

/** Long enough for two preparations of a switchover, and the rest. */
function moveLimitMs(config: PairConfig): number {
  return 2 * config.policy.timing.prepareMs + 1000
}

/** What stands in the way of `target` becoming active, as this node sees it. */
function moveBlocker(
  snapshot: Snapshot,
  config: PairConfig,
  { target, us, force }: { target: NodeName; us: NodeName; force: boolean },
): Blocker | null {
  const turn = readingTurn(snapshot, config)
  const { state } = snapshot
  if (target !== us) return switchoverBlocker(turn)
  // What force is for: nobody is there to be asked, and this node would not dare by itself.
  if (force && !hearsPeer(turn)) return takeoverBlocker(asIfForced(turn))
  if (state.maintenance) return 'maintenance'
  if (!state.healthy) return 'unhealthy'
  if (state.peer === null || !hearsPeer(turn)) {
    // Where only this is in the way, the mend names it: an operator can accept it here and now.
    const onlyData = takeoverBlocker(asIfForced(turn)) === null
    return onlyData && takeoverBlocker(turn) === 'data-may-be-stale'
      ? 'data-may-be-stale'
      : 'peer-silent'
  }
  if (!state.peer.hears) return 'peer-deaf'
  if (state.peer.digest !== config.policy.digest) return 'digest-differs'
  return null
}

/** The same turn after the request arrived. */
function asIfForced(turn: Turn): Turn {
  return { ...turn, s: { ...turn.s, forceUntilMs: Number.POSITIVE_INFINITY } }
}

function isActive(snapshot: Snapshot, target: NodeName, us: NodeName): boolean {
  const { state } = snapshot
  if (target === us) return state.role === 'active' && state.armed
  const heard = snapshot.nowMs - state.lastHeardMs < 1000
  return state.role !== 'active' && heard && state.peer?.role === 'active'
}

/** Where the pair stands, in words. */
function describe(snapshot: Snapshot, us: NodeName): string {
  const { state } = snapshot
  const peer = peerOf(us)
  const theirs = state.peer === null ? 'unknown' : state.peer.role
  const doing = state.preparation === null ? '' : ', writes are frozen while the peer catches up'
  return `${us} is ${state.role} (${REASONS[state.reason]}), ${peer} is ${theirs}${doing}`
}
