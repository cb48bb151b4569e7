/**
 * Does a call work, from REGISTER to BYE, with audio?
 *
 * Places one call as a subscriber would and says of each step what was answered and how long it took. With a
 * local leg we are the callee too, so that both directions of the audio are counted. What was begun is always
 * taken back: calls are hung up or cancelled, registrations removed, sockets closed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AudioReport, judgeAudio } from './audio-verdict.ts'
import { answerStray, Callee, markOf } from './callee.ts'
import type { Credentials } from './digest.ts'
import { newToken } from './endpoint.ts'
import type { Flow, FlowOpening, Trust } from './flow.ts'
import { type Media, openMedia } from './media.ts'
import { type CallEnd, OutgoingCall } from './outgoing-call.ts'
import {
  refusedBy,
  type Step,
  stepOf,
  stepsOf,
  type TestCallReport,
  type Verdict,
  verdictOf,
  verdictOfEnd,
} from './test-call-report.ts'
import { type HostPort, readUri, type Transport } from './uri.ts'
import { UserAgent } from './user-agent.ts'

export interface TestCallPlan {
  /** `sip:USER@HOST`. */
  from: string
  to: string
  transport: Transport
  trust: Trust
  /** Null: the host of the URI that is asked for. */
  proxy: HostPort | null
  /** Null: the proxy. */
  registrar: HostPort | null
  /** With them the caller registers too; null: no password is known. */
  caller: Credentials | null
  callee: Credentials | null
  /**
   * Our own callee, at this address (null: the one by which we reach the proxy) and port (null: any); null:
   * somebody else is called.
   */
  local: { address: string | null; port: number | null } | null
  /** For each step. */
  limitMs: number
  /** How long audio flows; 0: none, and none is judged. */
  mediaMs: number
  /** PCMU; null: silence. */
  samples: Buffer | null
  /** For a call that stands while something happens. */
  watch?: {
    /** Audio begins to flow. */
    talking: () => void
    /** Hangs up before the time is over. */
    enough: AbortSignal
  }
}

/** After the last packet was sent, for those on their way. */
const DRAIN_MS = 200
/** For what is only tidied up. */
const TIDY_MS = 2_000

/** @returns never rejects for what the network does */
export async function placeTestCall(
  plan: TestCallPlan,
  signal: AbortSignal,
): Promise<TestCallReport> {
  const call = new TestCall(plan, signal)
  try {
    const verdict = await call.run()
    return { ...verdict, steps: call.steps, audio: call.audio }
  } finally {
    call.close()
  }
}

class TestCall {
  readonly steps: Step[] = []
  audio: AudioReport | null = null
  readonly #plan: TestCallPlan
  readonly #signal: AbortSignal
  readonly #ended = new AbortController()
  readonly #mark = newToken()
  readonly #caller: UserAgent
  readonly #medias: Media[] = []
  #callee: { agent: UserAgent; callee: Callee } | null = null
  #call: OutgoingCall | null = null
  /** To be taken back in the end. */
  readonly #registered: { who: Step['who']; agent: UserAgent; flow: Flow }[] = []

  constructor(plan: TestCallPlan, signal: AbortSignal) {
    this.#plan = plan
    this.#signal = signal
    const { transport, trust } = plan
    this.#caller = new UserAgent({
      transport,
      trust,
      localAddress: null,
      localPort: null,
      uri: plan.from,
      credentials: plan.caller,
      onRequest: (incoming) => {
        if (this.#call?.handle(incoming) !== true) answerStray(incoming)
      },
    })
  }

  async run(): Promise<Verdict> {
    const verdict = await this.#work()
    await this.#tidy()
    return verdict
  }

  close(): void {
    this.#caller.close()
    this.#callee?.agent.close()
    for (const media of this.#medias) media.close()
  }

  async #work(): Promise<Verdict> {
    const plan = this.#plan
    const hop = plan.proxy ?? hostOf(plan.to)
    const opened = await this.#connect('caller', this.#caller, hop, hostOf(plan.to).host)
    if (!opened.ok) return verdictOf(opened.trouble, 'the caller')
    const { flow } = opened
    const registers = plan.caller !== null && !(plan.local !== null && plan.from === plan.to)
    const failed =
      (registers ? await this.#register('caller', this.#caller) : null) ??
      (plan.local === null
        ? null
        : await this.#standBy(plan.local.address ?? flow.local.address, plan.local.port))
    if (failed !== null) return failed
    const media = await openMedia(flow.local.address)
    if (!media.ok) return verdictOf(media.trouble, 'the audio')
    this.#medias.push(media.media)
    this.#call = new OutgoingCall({
      agent: this.#caller,
      flow,
      media: media.media,
      to: plan.to,
      headers: plan.local === null ? [] : [markOf(this.#mark)],
      onEnd: () => this.#ended.abort(),
    })
    return this.#place(this.#call, media.media)
  }

  /** INVITE, audio, BYE. */
  async #place(call: OutgoingCall, media: Media): Promise<Verdict> {
    const startedMs = performance.now()
    const end = await call.place(this.#plan.limitMs, this.#signal)
    this.steps.push(...stepsOf(end, performance.now() - startedMs))
    switch (end.type) {
      case 'failed':
        return verdictOf(end.trouble, 'INVITE')
      case 'refused':
        return refusedBy(end.response, 'INVITE')
      case 'silent': {
        if (this.#signal.aborted)
          return { outcome: 'failed', why: 'stopped before it was answered' }
        const { provisional } = end
        const last =
          provisional === null ? 'nothing' : `${provisional.status} ${provisional.reason}`
        const within = `within ${this.#plan.limitMs} ms`
        return { outcome: 'no-answer', why: `INVITE was not answered ${within}; ${last} came` }
      }
      case 'answered': {
        const answerMs = Math.round(performance.now() - startedMs)
        const heard = await this.#talk(end, media)
        const bye = await this.#hangUp(call)
        if (heard.outcome !== 'ok') return heard
        return bye ?? { outcome: 'ok', why: `answered after ${answerMs} ms, ${heard.why}` }
      }
    }
  }

  /** Audio for the time that was asked for, unless somebody ends it. */
  async #talk(end: Extract<CallEnd, { type: 'answered' }>, media: Media): Promise<Verdict> {
    const { mediaMs, samples, local } = this.#plan
    if (mediaMs === 0) return { outcome: 'ok', why: 'no audio asked for' }
    if (!end.sdp.ok) {
      return { outcome: 'no-audio', why: `no audio can flow: of the answer, ${end.sdp.why}` }
    }
    const answering = this.#callee?.callee.leg ?? null
    if (local !== null && answering === null) {
      const why = 'the call was answered, but not by our own callee, which saw no INVITE'
      return { outcome: 'no-audio', why }
    }
    const ends = answering === null ? [media] : [media, answering.media]
    for (const one of ends) one.start(samples)
    this.#plan.watch?.talking()
    const enough = this.#plan.watch === undefined ? [] : [this.#plan.watch.enough]
    await pause(mediaMs, [this.#signal, this.#ended.signal, ...enough])
    for (const one of ends) one.stopSending()
    // Somebody else goes on sending; only of our own callee do we know that all is sent.
    if (answering !== null) await sleep(DRAIN_MS)
    for (const one of ends) one.stop()
    const counts = { caller: media.count(), callee: answering?.media.count() ?? null }
    this.audio = judgeAudio(counts)
    if (this.#signal.aborted) return { outcome: 'failed', why: 'stopped while audio flowed' }
    const { ok, why } = this.audio
    const early = this.#ended.signal.aborted && local !== null
    if (ok && early) return { outcome: 'refused', why: 'the call was ended by somebody on the way' }
    return { outcome: ok ? 'ok' : 'no-audio', why }
  }

  async #hangUp(call: OutgoingCall): Promise<Verdict | null> {
    const startedMs = performance.now()
    const end = await call.hangUp(this.#plan.limitMs)
    if (end === null) {
      const reason = 'the callee hung up'
      this.steps.push({ who: 'callee', step: 'bye', status: 200, reason, durationMs: 0 })
      return null
    }
    this.steps.push(stepOf('caller', 'bye', end, performance.now() - startedMs))
    return verdictOfEnd(end, 'BYE')
  }

  /** Our own callee: registered, and listening. */
  async #standBy(address: string, port: number | null): Promise<Verdict | null> {
    const plan = this.#plan
    const media = await openMedia(address)
    if (!media.ok) return verdictOf(media.trouble, 'the audio of the callee')
    this.#medias.push(media.media)
    const agent = new UserAgent({
      transport: plan.transport,
      trust: plan.trust,
      localAddress: address,
      localPort: port,
      uri: plan.to,
      credentials: plan.callee,
      onRequest: (incoming) => this.#callee?.callee.handle(incoming),
    })
    const onEnd = (): void => this.#ended.abort()
    const callee = new Callee({ agent, media: media.media, mark: this.#mark, onEnd })
    this.#callee = { agent, callee }
    return this.#register('callee', agent)
  }

  async #register(who: Step['who'], agent: UserAgent): Promise<Verdict | null> {
    const { registrar, proxy, limitMs } = this.#plan
    const own = hostOf(agent.uri)
    const opened = await this.#connect(who, agent, registrar ?? proxy ?? own, own.host)
    if (!opened.ok) return verdictOf(opened.trouble, `REGISTER of the ${who}`)
    const { flow } = opened
    const startedMs = performance.now()
    const end = await agent.register(flow, true, limitMs)
    this.steps.push(stepOf(who, 'register', end, performance.now() - startedMs))
    const failed = verdictOfEnd(end, `REGISTER of the ${who}`)
    if (failed === null) this.#registered.push({ who, agent, flow })
    if (failed === null && who === 'callee') flow.listenToAll()
    return failed
  }

  async #connect(
    who: Step['who'],
    agent: UserAgent,
    hop: HostPort,
    domain: string,
  ): Promise<FlowOpening> {
    const startedMs = performance.now()
    const opened = await agent.flowTo(hop, domain, this.#plan.limitMs)
    const durationMs = performance.now() - startedMs
    const fresh = opened.ok ? opened.flow.reliable : true
    const already = this.steps.some((step) => step.step === 'connect' && step.who === who)
    if (fresh && !already) {
      const reason = opened.ok ? 'connected' : opened.trouble.sentence
      this.steps.push({ who, step: 'connect', status: null, reason, durationMs })
    }
    return opened
  }

  async #tidy(): Promise<void> {
    await this.#call?.settled()
    for (const { who, agent, flow } of this.#registered) {
      const startedMs = performance.now()
      const end = await agent.register(flow, false, Math.min(TIDY_MS, this.#plan.limitMs))
      this.steps.push(stepOf(who, 'unregister', end, performance.now() - startedMs))
    }
  }
}

function hostOf(uri: string): HostPort {
  const read = readUri(uri)
  return { host: read?.host ?? '', port: read?.port ?? null }
}

/** For so long, or until one of the signals. */
async function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  const stop = AbortSignal.any([...signals])
  await sleep(ms, undefined, { signal: stop }).catch(() => {})
}
