/**
 * One drill from its first probe to its report.
 *
 * Measures before anything happens, looks once more whether it may, acts, waits until the pair is as it was
 * planned, and says what it is. What cannot go on is ended there, never forced on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PairConfig } from '../config/config.ts'
import type { ControlClient } from '../control/client.ts'
import type { StatusDocument } from '../control/schema.ts'
import { actCut, actKill, actSwitchover, type Stage, servesIn, tellPeerSteps } from './act.ts'
import type { Victim } from './agent-kill.ts'
import { type StandingCall, standCall } from './call-probe.ts'
import { figuresIn, legName, type Measured } from './figures.ts'
import { Instruments, type Series } from './instruments.ts'
import { crosslinkPeers, type DrillPlan, type DrillRequest, type Leg } from './plan.ts'
import { obstaclesOf, pairSentence } from './preflight.ts'
import { machineMs } from './prober-words.ts'
import {
  DRILL_SCHEMA,
  type DrillAlarm,
  type DrillReport,
  type DrillStep,
  figuresOf,
  isKept,
  type NotMeasured,
  type Phase,
} from './report.ts'
import { firstOf } from './samples.ts'

const LOOK_MS = 3_000
const ALARMS_EVERY_MS = 500
/** Before what happens: the usual, to be seen in the drawing. */
const BEFORE_MS = 500
/** After it: what comes late, such as services that start. */
const AFTER_MS = 3_000
/** Stores that come back, after which the way back may begin. */
const WHOLE_WITHIN_MS = 60_000

export interface DrillParts {
  id: string
  request: DrillRequest
  plan: DrillPlan
  config: PairConfig
  version: string
  client: ControlClient
  /** Of `agent-kill`. */
  victim: Victim | null
  signal: AbortSignal
  /** What happens, as it happens. */
  tell: (sentence: string) => void
}

/** Nothing was done to the pair, or a report. */
export type DrillEnd = { ok: false; why: string; mend: string } | { ok: true; report: DrillReport }

export async function runDrill(parts: DrillParts): Promise<DrillEnd> {
  const run = new DrillRun(parts)
  return await run.run()
}

class DrillRun {
  readonly #parts: DrillParts
  readonly #zeroMs = machineMs()
  readonly #startedIso = new Date().toISOString()
  readonly #instruments: Instruments
  readonly #steps: DrillStep[] = []
  readonly #alarms: DrillAlarm[] = []
  readonly #phases: Phase[] = []
  readonly #notMeasured: NotMeasured[]
  /** Alarms that stood before, or were told. */
  readonly #known = new Set<string>()
  #watching = true

  constructor(parts: DrillParts) {
    this.#parts = parts
    this.#instruments = new Instruments(parts.config, this.#zeroMs, () => this.#now())
    this.#notMeasured = [...parts.plan.notMeasured]
  }

  async run(): Promise<DrillEnd> {
    const { tell, plan } = this.#parts
    tell('measuring before anything happens')
    const blind = await this.#instruments.start()
    if (blind !== null) {
      await this.#instruments.stop()
      return {
        ok: false,
        why: blind,
        mend: 'look at tandem status: are the floating IPs answered?',
      }
    }
    for (const { code, about } of (await this.#status())?.alarms ?? []) {
      this.#known.add(`${code} ${about}`)
    }
    const watching = this.#watchAlarms()
    let begun = false
    let reason: string | null = null
    for (const leg of plan.legs) {
      const obstacle = await this.#obstacle(begun)
      if (obstacle !== null && !begun) {
        this.#watching = false
        await this.#instruments.stop()
        return { ok: false, why: obstacle, mend: 'see: tandem drill --dry-run' }
      }
      reason = obstacle ?? (await this.#phase(leg))
      begun = true
      if (reason !== null) break
    }
    this.#watching = false
    await watching
    const status = await this.#status()
    await this.#instruments.stop()
    return { ok: true, report: this.#report(reason, status) }
  }

  /** What stands in the way now; on the way back waits until the pair is whole. */
  async #obstacle(begun: boolean): Promise<string | null> {
    const { client, request, signal } = this.#parts
    const endMs = this.#now() + (begun ? WHOLE_WITHIN_MS : 0)
    for (;;) {
      if (signal.aborted) return 'stopped'
      const [status, explain] = await Promise.all([client.status(LOOK_MS), client.explain(LOOK_MS)])
      let why = 'the agent of this node does not answer'
      if (status.ok && explain.ok) {
        const [first] = obstaclesOf(request, status.value, explain.value)
        if (first === undefined) return null
        why = first.sentence
      }
      if (this.#now() >= endMs) return begun ? `the way back was not begun: ${why}` : why
      await sleep(200)
    }
  }

  /** @returns why the drill does not go on; null when it does */
  async #phase(leg: Leg): Promise<string | null> {
    const { config, tell, plan } = this.#parts
    const call = config.callCheck === null ? 'none' : await standCall(config.callCheck)
    if (call !== 'none') {
      tell(typeof call === 'string' ? `no call stands: ${call}` : 'a call stands, audio flows')
    }
    await sleep(BEFORE_MS)
    const before = this.#instruments.series()
    const fromMs = this.#now()
    const reason = await this.#act(leg)
    const untilMs = this.#now() + AFTER_MS
    while (this.#now() < untilMs) await sleep(50)
    const ended = await endOf(call)
    const toMs = this.#now()
    const measured: Measured = {
      ...{ leg, window: { fromMs, toMs }, series: this.#instruments.series() },
      ...{ bounds: plan.bounds, call: ended },
      lostBefore: counted(before, 'lost'),
      confirmedBefore: counted(before, 'confirmed'),
    }
    this.#noteServing(leg, measured)
    const figures = figuresIn(measured)
    const rounds = { fromMs: Math.round(fromMs), toMs: Math.round(toMs) }
    this.#phases.push({ name: legName(leg), ...rounds, figures })
    for (const { what, value, note } of figures) {
      if (value !== null || what.startsWith('calls')) continue
      const mend = 'see what it says'
      this.#notMeasured.push({ what: `${what}, ${legName(leg)}`, why: note ?? 'not known', mend })
    }
    return reason
  }

  async #act(leg: Leg): Promise<string | null> {
    const { client, request, victim, config, signal, id, tell } = this.#parts
    const stage: Stage = {
      ...{ client, leg, signal, note: `tandem drill ${id}`, now: () => this.#now() },
      step: (step) => {
        this.#steps.push(step)
        tell(step.node === null ? step.sentence : `${step.node}: ${step.sentence}`)
      },
    }
    switch (request.kind) {
      case 'switchover': {
        const why = await actSwitchover(stage)
        const status = await this.#status()
        if (why === null && status !== null && servesIn(status) !== leg.to) {
          return `${leg.to} does not serve, although the switchover was done`
        }
        return why
      }
      case 'agent-kill': {
        if (victim === null) return 'there is no agent to be killed'
        const why = await actKill(stage, victim)
        const status = await this.#status()
        if (status !== null) tellPeerSteps(stage, status, this.#toldOf(status))
        return why
      }
      case 'crosslink-cut':
        return await actCut(stage, crosslinkPeers(config), request.cutMs)
    }
  }

  /** Steps of the peer that were told already. */
  #toldOf({ peerNode, peer }: StatusDocument): Set<string> {
    const said = this.#steps.filter(({ node }) => node === peerNode).map(({ sentence }) => sentence)
    const told = (peer.steps ?? []).filter(({ sentence }) =>
      said.some((one) => one.startsWith(sentence)),
    )
    return new Set(told.map(({ afterMs, sentence }) => `${afterMs} ${sentence}`))
  }

  /** When the new active was reached first, by address: what clients see of all the steps. */
  #noteServing({ from, to }: Leg, { series, window }: Measured): void {
    if (from === to) return
    for (const { kind, name, answers } of series) {
      if (kind !== 'address') continue
      const first = firstOf(answers, to, window.fromMs)
      const sentence = `${name} answers the first time`
      if (first !== null && first.atMs <= window.toMs) {
        this.#steps.push({ atMs: first.atMs, node: to, sentence })
      }
    }
  }

  async #watchAlarms(): Promise<void> {
    while (this.#watching) {
      const status = await this.#status()
      for (const { code, about, sentence } of status?.alarms ?? []) {
        const key = `${code} ${about}`
        if (this.#known.has(key)) continue
        this.#known.add(key)
        this.#alarms.push({ atMs: Math.round(this.#now()), code, sentence })
      }
      await sleep(ALARMS_EVERY_MS)
    }
  }

  #report(reason: string | null, status: StatusDocument | null): DrillReport {
    const { id, request, config, version } = this.#parts
    const late = (who: 'prober' | 'own'): number => {
      const times = this.#phases.map((phase) => this.#instruments.lateMs(who, phase))
      return Math.round(Math.max(0, ...times) * 10) / 10
    }
    const noiseMs = late('prober')
    const figures = figuresOf({ phases: this.#phases })
    const broken = figures.find((figure) => figure.value !== null && !isKept(figure, noiseMs))
    const missed =
      broken === undefined
        ? null
        : `${broken.what}: ${broken.value} ${broken.unit}, bound ${broken.bound}`
    return {
      schema: DRILL_SCHEMA,
      ...{ id, kind: request.kind, back: request.back, node: config.node, version },
      profile: config.timingProfile,
      ...{ startedIso: this.#startedIso, finishedIso: new Date().toISOString() },
      outcome: reason !== null ? 'aborted' : broken === undefined ? 'kept' : 'broken',
      reason: reason ?? missed,
      after: pairSentence(status),
      phases: this.#phases,
      notMeasured: [...this.#notMeasured, ...this.#instruments.notMeasured],
      steps: this.#steps
        .map((step) => ({
          ...step,
          atMs: step.atMs === null ? null : Math.round(step.atMs * 10) / 10,
        }))
        .sort((a, b) => (a.atMs ?? Infinity) - (b.atMs ?? Infinity)),
      strips: this.#instruments.strips(),
      alarms: this.#alarms,
      noiseMs,
      lateMs: late('own'),
      compared: [],
    }
  }

  #now(): number {
    return machineMs() - this.#zeroMs
  }

  async #status(): Promise<StatusDocument | null> {
    const asked = await this.#parts.client.status(LOOK_MS)
    return asked.ok ? asked.value : null
  }
}

async function endOf(call: StandingCall | string): Promise<Measured['call']> {
  if (typeof call === 'string') return call
  return (await call.end()) ?? 'it did not end'
}

function counted(series: readonly Series[], what: 'lost' | 'confirmed'): Map<string, number> {
  return new Map(
    series.filter(({ kind }) => kind === 'store').map((one) => [one.name, one[what] ?? 0]),
  )
}
