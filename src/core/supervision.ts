/**
 * What is to be done about each service now? Start, stop, start again, or wait.
 *
 * Three things are kept apart: what is wanted of a service (its mode, the role of the node, the operator's
 * word), what its process does, and what its probes say. Dependencies order starts and stops; what crashed
 * is started again alone. A service that keeps failing makes the node unfit and is tried on, more and more
 * seldom: nothing is ever given up in silence.
 *
 * Pure: the services are values, the time comes in, what is to be done comes out and is done elsewhere.
 */

/**
 * Where the node stands. `comes`: it does not serve, and an operator's move of the role to it is under way or
 * about to begin.
 */
export type Presence = 'away' | 'comes' | 'serves'

/** Where a service is to run. `manual`: it is shown and never touched. */
export type ServiceMode = 'active' | 'always' | 'manual'

/** What of a service's configuration decisions depend on. */
export interface ServicePlan {
  name: string
  mode: ServiceMode
  /** In mode `active`: started before the node serves where a move of the role is known beforehand. */
  early: boolean
  /** Started after these, and stopped before them. */
  after: readonly string[]
  /** A node without it cannot serve. */
  essential: boolean
  /** There is something to probe; else a running process is all that is known. */
  probed: boolean
  /** So long the first good probe may take after a start. */
  startLimitMs: number
  /** Bad probes in a row that make it ill. */
  misses: number
  /** More failures than this within the time, and the node is unfit. */
  restarts: { count: number; withinMs: number }
}

export type ProcessState = 'unknown' | 'stopped' | 'starting' | 'running' | 'stopping'
export type ProbeState = 'unknown' | 'well' | 'failing'

/** What is known of one service. */
export interface ServiceLife {
  process: ProcessState
  probe: ProbeState
  /** Since it runs, as seen by us. */
  startedAtMs: number
  /** Bad probes in a row, since the first good one. */
  misses: number
  /** What went wrong last; null when nothing did. */
  why: string | null
  /** Of failures that count, oldest first. */
  failedAtMs: readonly number[]
  /** Not tried again before. */
  nextTryAtMs: number
  /** It failed too often; until it runs well for long, or an operator says so. */
  exhausted: boolean
  /** Since its probes say so without a break. */
  wellSinceMs: number | null
  /** False: an operator looks after it. */
  monitored: boolean
  /** An operator stopped it. */
  held: boolean
}

export type ServiceHappening =
  /** A look at its process. Says nothing about a start or stop that is under way. */
  | { type: 'looked'; running: boolean }
  /** Its process was seen to end. */
  | { type: 'ended'; why: string }
  | { type: 'probed'; why: string | null }
  /** A start that was asked for is over. */
  | { type: 'started'; why: string | null }
  | { type: 'stopped'; why: string | null }
  | { type: 'order'; verb: OrderVerb }
  /** Its configuration is another from now on; what runs it is the same. */
  | { type: 'changed'; probes: 'same' | 'others' | 'first' }

export type OrderVerb = 'start' | 'stop' | 'restart' | 'monitor' | 'unmonitor'

export interface ServiceAction {
  name: string
  what: 'start' | 'stop' | 'restart'
  why: string
}

/** Before the next try, by the number of failures within the time. */
const BACKOFF_MS = [0, 250, 1_000, 5_000] as const
const EXHAUSTED_TRY_MS = 30_000

export function initialLife(kept: Partial<Pick<ServiceLife, 'exhausted' | 'monitored' | 'held'>>) {
  const life: ServiceLife = {
    process: 'unknown',
    probe: 'unknown',
    startedAtMs: 0,
    misses: 0,
    why: null,
    failedAtMs: [],
    nextTryAtMs: 0,
    exhausted: kept.exhausted ?? false,
    wellSinceMs: null,
    monitored: kept.monitored ?? true,
    held: kept.held ?? false,
  }
  return life
}

/** What is wanted of it; null: nothing. */
export function wantedOf(
  plan: ServicePlan,
  life: ServiceLife,
  presence: Presence,
): 'running' | 'stopped' | null {
  if (plan.mode === 'manual' || !life.monitored) return null
  if (life.held) return 'stopped'
  if (plan.mode === 'always' || presence === 'serves') return 'running'
  return presence === 'comes' && plan.early ? 'running' : 'stopped'
}

/** Takes in what happened. */
export function heed(
  plan: ServicePlan,
  life: ServiceLife,
  happening: ServiceHappening,
  nowMs: number,
): ServiceLife {
  switch (happening.type) {
    case 'looked':
      return looked(life, happening.running, nowMs)
    case 'ended':
      // The end of what is being stopped is what was asked for.
      if (life.process !== 'running' && life.process !== 'starting') return life
      return failed(plan, { ...life, process: 'stopped', probe: 'unknown' }, happening.why, nowMs)
    case 'probed':
      return probed(plan, life, happening.why, nowMs)
    case 'started':
      if (happening.why === null) {
        const process: ProcessState = life.process === 'starting' ? 'running' : life.process
        return { ...life, process, probe: 'unknown', misses: 0, startedAtMs: nowMs }
      }
      return failed(plan, { ...life, process: 'stopped' }, happening.why, nowMs)
    case 'stopped':
      if (happening.why !== null) return { ...life, process: 'unknown', why: happening.why }
      return { ...life, process: 'stopped', probe: 'unknown', misses: 0, wellSinceMs: null }
    case 'order':
      return ordered(life, happening.verb)
    case 'changed':
      return changed(life, happening.probes, nowMs)
  }
}

/** A start or a stop has begun. */
export function begun(life: ServiceLife, what: ServiceAction['what']): ServiceLife {
  const process: ProcessState = what === 'start' ? 'starting' : 'stopping'
  return { ...life, process, probe: 'unknown', misses: 0, wellSinceMs: null }
}

/** What is to be done now, of everything that need not wait for something else. */
export function nextActions(
  plans: readonly ServicePlan[],
  lives: ReadonlyMap<string, ServiceLife>,
  presence: Presence,
  nowMs: number,
): ServiceAction[] {
  const actions: ServiceAction[] = []
  const lifeOf = (name: string): ServiceLife | undefined => lives.get(name)
  const wanted = (plan: ServicePlan) => {
    const life = lifeOf(plan.name)
    return life === undefined ? null : wantedOf(plan, life, presence)
  }
  for (const plan of plans) {
    const life = lifeOf(plan.name)
    if (life === undefined) continue
    const { name } = plan
    if (wanted(plan) === 'stopped' && life.process === 'running') {
      const dependents = plans.filter(
        (other) => other.after.includes(name) && wanted(other) === 'stopped',
      )
      if (dependents.every((other) => isDown(lifeOf(other.name)))) {
        actions.push({ name, what: 'stop', why: life.held ? 'an operator' : 'not wanted here' })
      }
    }
    if (wanted(plan) !== 'running') continue
    if (life.process === 'stopped' && nowMs >= life.nextTryAtMs && waitsFor(plan) === null) {
      actions.push({ name, what: 'start', why: life.why ?? 'wanted here' })
    }
    if (life.process === 'running' && isIll(plan, life, nowMs) && nowMs >= life.nextTryAtMs) {
      actions.push({ name, what: 'restart', why: life.why ?? 'no good probe since its start' })
    }
  }
  return actions

  function waitsFor({ after }: ServicePlan): string | null {
    for (const name of after) {
      const plan = plans.find((other) => other.name === name)
      const life = lifeOf(name)
      if (plan === undefined || life === undefined || wanted(plan) !== 'running') continue
      if (!isUp(plan, life)) return name
    }
    return null
  }
}

/** It runs, and its probes say nothing against it. */
export function isUp(plan: ServicePlan, { process, probe }: ServiceLife): boolean {
  return process === 'running' && (probe === 'well' || !plan.probed)
}

/** Why the services keep this node from serving, each one clause; none: they do not. */
export function unfitBecauseOf(
  plans: readonly ServicePlan[],
  lives: ReadonlyMap<string, ServiceLife>,
): string[] {
  return plans.flatMap((plan) => {
    const life = lives.get(plan.name)
    if (life === undefined || !plan.essential || !life.exhausted || !life.monitored) return []
    if (life.held || plan.mode === 'manual') return []
    return [`service ${plan.name} ${tooOftenSentence(plan.name, life.failedAtMs.length, life.why)}`]
  })
}

/** What follows the name of a service that failed too often; the order does it on either node, in every mode. */
export function tooOftenSentence(name: string, times: number, why: string | null): string {
  return `failed ${times} times: ${why ?? 'unknown'}; once that is mended: tandem service monitor ${name}`
}

function isDown(life: ServiceLife | undefined): boolean {
  return life === undefined || life.process === 'stopped' || life.process === 'unknown'
}

function isIll(plan: ServicePlan, life: ServiceLife, nowMs: number): boolean {
  if (life.misses >= plan.misses) return true
  const starting = life.probe !== 'well' && life.wellSinceMs === null
  return plan.probed && starting && nowMs - life.startedAtMs > plan.startLimitMs
}

function looked(life: ServiceLife, running: boolean, nowMs: number): ServiceLife {
  if (life.process === 'starting' || life.process === 'stopping') return life
  if (running && life.process !== 'running') {
    return { ...life, process: 'running', probe: 'unknown', misses: 0, startedAtMs: nowMs }
  }
  if (!running && life.process === 'unknown') return { ...life, process: 'stopped' }
  return life
}

function probed(
  plan: ServicePlan,
  life: ServiceLife,
  why: string | null,
  nowMs: number,
): ServiceLife {
  if (life.process !== 'running') return life
  if (why === null) {
    const wellSinceMs = life.wellSinceMs ?? nowMs
    const lasting = nowMs - wellSinceMs >= plan.restarts.withinMs
    const cleared = lasting ? { exhausted: false, failedAtMs: [], why: null } : {}
    return { ...life, probe: 'well', misses: 0, wellSinceMs, ...cleared }
  }
  // Until it answered for the first time it is starting, which has a limit of its own.
  const starting = life.wellSinceMs === null
  const misses = starting ? 0 : life.misses + 1
  return { ...life, probe: 'failing', misses, why }
}

/** One failure more. @returns the life with what follows from it */
export function failed(
  plan: ServicePlan,
  life: ServiceLife,
  why: string,
  nowMs: number,
): ServiceLife {
  const { count, withinMs } = plan.restarts
  const recent = [...life.failedAtMs, nowMs].filter((atMs) => nowMs - atMs < withinMs)
  const exhausted = life.exhausted || recent.length > count
  const backoffMs = exhausted
    ? EXHAUSTED_TRY_MS
    : (BACKOFF_MS[Math.min(recent.length, BACKOFF_MS.length) - 1] ?? 0)
  return {
    ...life,
    ...{ why, failedAtMs: recent, exhausted, nextTryAtMs: nowMs + backoffMs },
    ...{ misses: 0, wellSinceMs: null },
  }
}

/** Failures are forgotten: it is tried anew as somebody thinks it should be. */
const ANEW = { exhausted: false, failedAtMs: [] as readonly number[], nextTryAtMs: 0 }

/** Other probes do not start the time again that a service has to come up. */
function changed(
  life: ServiceLife,
  probes: 'same' | 'others' | 'first',
  nowMs: number,
): ServiceLife {
  const anew = { ...life, ...ANEW }
  if (probes === 'same' || life.process !== 'running') return anew
  const wellSinceMs = life.wellSinceMs ?? (probes === 'first' ? nowMs : null)
  return { ...anew, probe: 'unknown', misses: 0, wellSinceMs }
}

function ordered(life: ServiceLife, verb: OrderVerb): ServiceLife {
  switch (verb) {
    case 'start':
    case 'restart':
      return { ...life, ...ANEW, monitored: true, held: false }
    case 'monitor':
      return { ...life, ...ANEW, monitored: true }
    case 'stop':
      return { ...life, monitored: true, held: true }
    case 'unmonitor':
      return { ...life, monitored: false }
  }
}
